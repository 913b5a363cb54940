#!/bin/sh
# Runs a command under a user manager of systemd of its own: in fresh namespaces, where nothing of the machine's own
# systemd, if there is one, is seen or touched. As root: userManager.sh <command> [argument ...]
#
# 99: no user manager could be made here; the reason is on stderr. Otherwise the exit code of the command.
set -u

no() {
  echo "$*" >&2
  exit 99
}

case "${PATCHMOI_STAGE:-outside}" in
outside)
  [ "$(id -u)" = 0 ] || no "this is not root"
  [ -x /lib/systemd/systemd ] || no "there is no /lib/systemd/systemd"
  command -v systemd-run >/dev/null || no "there is no systemd-run"
  unshare --mount true 2>/dev/null || no "no mount namespace can be made"
  PATCHMOI_STAGE=cgroup exec unshare --mount -- "$0" "$@"
  ;;
cgroup)
  # What the manager makes below a group of our own can be removed afterwards.
  mount -t tmpfs tmpfs /run || no "no file system can be mounted"
  mkdir /run/cgroup && mount -t cgroup2 cgroup2 /run/cgroup || no "there is no cgroup2"
  group="/run/cgroup/patchmoi-test-$$"
  mkdir "$group" && echo $$ >"$group/cgroup.procs" || no "no control group can be made"
  # Bounded: whoever started this may be gone. With its first process, everything in the namespace dies.
  PATCHMOI_STAGE=inside timeout --signal=KILL "${PATCHMOI_SECONDS_MAX:-100}" unshare --mount --pid --fork --kill-child=SIGKILL --cgroup --mount-proc -- "$0" "$@"
  code=$?
  echo $$ >/run/cgroup/cgroup.procs
  tries=0
  until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ $tries -gt 50 ]; do
    tries=$((tries + 1))
    sleep 0.05
  done
  exit $code
  ;;
inside)
  unset PATCHMOI_STAGE
  mount -t tmpfs tmpfs /run || no "no file system can be mounted"
  mkdir -p /run/systemd/system /run/home /run/user/0 && chmod 700 /run/user/0
  umount -R /sys/fs/cgroup 2>/dev/null
  mount -t cgroup2 cgroup2 /sys/fs/cgroup || no "cgroup2 cannot be mounted"
  export XDG_RUNTIME_DIR=/run/user/0 HOME=/run/home
  MANAGER_ONLY="of the manager
alone" /lib/systemd/systemd --user >/run/manager.log 2>&1 &
  tries=0
  until [ -S /run/user/0/systemd/private ]; do
    tries=$((tries + 1))
    [ $tries -gt 250 ] && no "the user manager does not start: $(cat /run/manager.log)"
    sleep 0.02
  done
  systemctl --user start dbus.socket || no "the user bus does not start"
  "$@"
  exit $?
  ;;
esac
