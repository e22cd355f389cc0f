"""Question answering: where in a text a model finds the answer to a question, and why there."""

from components.shell.frame import load_models, open_page
from components.views.question_answering import MODEL, AnswersFields, draw_answers_page

frame = open_page("question_answering", AnswersFields)
draw_answers_page(load_models(frame, MODEL))
