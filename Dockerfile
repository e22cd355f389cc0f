# GlassBERT for others: docker build -t glassbert . && docker run -p 8501:8501 glassbert
# docs/deploy.md explains the settings (GLASSBERT_*), the proxy in front, and memory.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/glassbert
# First the libraries, by their exact versions: this layer is made again only when a pin changes.
COPY requirements.txt requirements.lock ./
# Where pip finds torch: empty is PyPI, whose build for Linux brings CUDA (3 GB); an index of CPU builds makes a small image.
ARG TORCH_INDEX=
RUN pip --python /opt/glassbert install --no-cache-dir --no-compile ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    -c requirements.lock "$(grep '^torch==' requirements.txt)"
RUN pip --python /opt/glassbert install --no-cache-dir --no-compile -c requirements.lock -r requirements.txt
COPY . .
RUN pip --python /opt/glassbert install --no-cache-dir --no-compile --no-deps .
RUN python -m compileall -q -j 0 -x /tests/ /opt/glassbert/lib || true

FROM python:${PYTHON}-slim
# The library, the app and its models are in /opt/glassbert; pip and what built them stay behind.
RUN pip uninstall --yes --quiet pip setuptools wheel || true
RUN useradd --create-home --uid 10001 glassbert
COPY --from=build /opt/glassbert /opt/glassbert
USER 10001
# Where models of GLASSBERT_MODELS are downloaded to: a volume here belongs to the user too.
RUN mkdir /home/glassbert/.cache
WORKDIR /home/glassbert
ENV PATH=/opt/glassbert/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Beyond this machine, so GLASSBERT_MODE=auto means shared: visitors open the embedded models and those of GLASSBERT_MODELS.
CMD ["glassbert", "app", "--host", "0.0.0.0", "--port", "8501"]
