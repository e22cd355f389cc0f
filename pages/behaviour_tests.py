"""Behaviour: does a model do what it should, and for whom does it not?"""

from components.shell.frame import load_models, open_page
from components.views.behaviour_tests import BehaviourFields, draw_behaviour_page

frame = open_page("behaviour_tests", BehaviourFields, text=False)
draw_behaviour_page(load_models(frame))
