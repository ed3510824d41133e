# Symbolon in a container: one image for web server, worker and key service.
# Non-root; the root file system may be read-only: /var/lib/symbolon and /run/symbolon are volumes.
FROM python:3.13-slim-trixie AS build
WORKDIR /opt/symbolon
COPY requirements.lock .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && rm -rf /opt/venv/lib/python3*/site-packages/pip*

FROM python:3.13-slim-trixie
# Letters of visible signatures (esignet.fonts).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-core \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 65532 --home-dir /var/lib/symbolon --create-home symbolon \
    && useradd --system --uid 65533 --gid symbolon --no-create-home esignet \
    && install -d -o symbolon /run/symbolon
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/symbolon
COPY config config
COPY keystore keystore
COPY idp idp
COPY esignet esignet
COPY wallet_bridge wallet_bridge
RUN python -m compileall -q .
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/symbolon PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1
USER symbolon
VOLUME /var/lib/symbolon /run/symbolon
EXPOSE 8080
ENTRYPOINT ["python", "-m", "config.cli.main"]
CMD ["serve"]
