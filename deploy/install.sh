#!/usr/bin/env bash
# Puts the terminal, or the hub, onto a Debian 12 machine, and does nothing twice. As root:
#
#   deploy/install.sh terminal [--code QS01] [--hub https://hub.example] [--dry-run]
#   deploy/install.sh hub [--dry-run]
#
# The same again after an update: the new program lies beside the old one, and the change is one
# link; a running terminal is not ended by it. --dry-run only says the steps. Where there is no
# internet, PIP_NO_INDEX=1 and PIP_FIND_LINKS=FOLDER take the libraries from a folder.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-}
[ "$#" -gt 0 ] && shift
dry='' code='' hub=''
while [ "$#" -gt 0 ]; do
    case "$1" in
        --dry-run) dry=yes ;;
        --code) code=${2:?--code wants four letters or digits}; shift ;;
        --hub) hub=${2:?--hub wants an address}; shift ;;
        *) echo "install: $1 is not known" >&2; exit 2 ;;
    esac
    shift
done
case "$what" in
    terminal) user=kiosk home=/opt/kiosk settings=/etc/kiosk/kiosk.toml lock=requirements-terminal.lock
        rooms=(kiosk drivers offline_cache ui) groups=(dialout video input audio lpadmin) ;;
    hub) user=kiosk-hub home=/opt/kiosk-hub settings=/etc/kiosk-hub/environment lock=requirements-hub.lock
        rooms=(hub) groups=() ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
data=/var/lib/$user logs=/var/log/$user
[[ "$code" =~ ^([A-Z0-9]{4})?$ ]] || { echo "install: --code wants four letters (A-Z) or digits" >&2; exit 2; }
[[ "$hub" =~ ^(https://[^[:space:]\"\\]+)?$ ]] || { echo "install: --hub wants https://…" >&2; exit 2; }

say() { printf '%s\n' "install: $*"; }
# Says a step and does it.
step() {
    say "$1"
    shift
    [ -n "$dry" ] || "$@"
}
# A file as it is in the repository, if it is not there like that already. What changed is noted.
changed=
file() { # mode owner from to
    if cmp -s "$3" "$4" && [ "$(stat -c '%a %U' "$4")" = "$1 $2" ]; then return; fi
    step "write $4" install -D -m "$1" -o "$2" "$3" "$4"
    changed=yes
}

if [ -z "$dry" ]; then
    [ "$(id -u)" = 0 ] || { say "only root can (or look with --dry-run)"; exit 1; }
    grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || { say "made for Debian 12"; exit 1; }
fi

# -- what it stands on
skip='the rehearsal and the tests'
if [ "$what" = hub ]; then skip='the terminal|the rehearsal|an installed terminal'; fi
wanted=$(awk -v skip="$skip" '/^# -- /{on = $0 !~ skip} on && /^[^#]/{print $1}' deploy/packages.txt)
missing=()
for name in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | tr -d ' ')" = ii ] || missing+=("$name")
done
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -y -q --no-install-recommends "${missing[@]}"
}
if [ "${#missing[@]}" -gt 0 ]; then
    step "install ${#missing[@]} Debian packages: ${missing[*]}" install_packages
fi

# -- its account
if ! id "$user" >/dev/null 2>&1; then
    step "make the account $user, which cannot log in" \
        useradd --system --user-group --no-create-home --home-dir "$data" --shell /usr/sbin/nologin "$user"
fi
for name in "${groups[@]}"; do
    if getent group "$name" >/dev/null && ! id -nG "$user" 2>/dev/null | tr ' ' '\n' | grep -qx "$name"; then
        step "let $user into the group $name" usermod -aG "$name" "$user"
    fi
done

# -- the program, beside an earlier one
release=$home/$(
    { find "${rooms[@]}" deploy docs -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum
        sha256sum pyproject.toml "$lock"; } | sha256sum | cut -c1-12
)
build() {
    local source
    source=$(mktemp -d)
    # A folder without its mark is one that was not finished.
    rm -rf "$release"
    mkdir -p "$release"
    python3.11 -m venv "$release"
    local pip=("$release/bin/python" -m pip --disable-pip-version-check --no-input)
    # Build tools come first and by hash, and builds see only them: nothing unpinned is fetched.
    "${pip[@]}" install -q --require-hashes -r requirements-build.lock
    "${pip[@]}" install -q --no-build-isolation --require-hashes -r "$lock"
    cp -r pyproject.toml "${rooms[@]}" "$source"
    "${pip[@]}" install -q --no-build-isolation --no-deps "$source"
    rm -rf "$source"
    cp -r deploy docs "$release"
    touch "$release/complete"
    chmod -R go+rX,go-w "$home"
}
if [ ! -e "$release/complete" ]; then
    step "put the program into $release (some minutes)" build
fi
if [ "$(readlink "$home/current" 2>/dev/null)" != "$release" ]; then
    before=$(readlink "$home/current" 2>/dev/null || true)
    # rename() is one act: at no moment is there no program
    point() { ln -sfn "$release" "$home/current.new" && mv -T "$home/current.new" "$home/current"; }
    step "make it the one that is started${before:+, instead of $before (kept, to go back to)}" point
    changed=yes
    for old in "$home"/????????????; do
        case "$old" in "$release" | "$before" | "$home/????????????") ;; *) step "delete $old" rm -rf "$old" ;; esac
    done
fi

# -- folders and settings
folder() { # mode owner path
    [ "$(stat -c '%a %U' "$3" 2>/dev/null)" = "$1 $2" ] || step "folder $3 ($2, $1)" install -d -m "$1" -o "$2" -g "$2" "$3"
}
folder 755 root "$(dirname "$settings")"
folder 700 "$user" "$data"
if [ "$what" = terminal ]; then
    folder 750 "$user" "$logs"
    folder 700 root /etc/kiosk/credentials
fi
write_settings() {
    local made
    made=$(mktemp)
    sed -e "${code:+s|code = \"FILL-IN\"|code = \"$code\"|}" -e "${hub:+s|url = \"FILL-IN\"|url = \"${hub//&/\\&}\"|}" \
        "$1" >"$made"
    install -m "$2" -o root -g "$user" "$made" "$settings"
    rm -f "$made"
}
if [ -e "$settings" ]; then
    say "$settings stays as it is"
elif [ "$what" = terminal ]; then
    # No secret stands in it; who runs the terminal reads it and cannot change it.
    step "write $settings from deploy/terminal/kiosk.toml" write_settings deploy/terminal/kiosk.toml 640
else
    # The address of a database holds its password.
    step "write $settings from deploy/hub/environment" write_settings deploy/hub/environment 600
fi

# -- what starts it, and what starts by itself
if [ "$what" = terminal ]; then
    file 755 root deploy/terminal/kiosk.sh /usr/local/bin/kiosk
    file 644 root deploy/terminal/kiosk-screen.service /etc/systemd/system/kiosk-screen.service
    file 644 root deploy/terminal/kiosk.service /etc/systemd/system/kiosk.service
    file 644 root deploy/terminal/60-kiosk.rules /etc/udev/rules.d/60-kiosk.rules
    file 644 root deploy/terminal/logrotate /etc/logrotate.d/kiosk
else
    file 755 root deploy/hub/kiosk-hub.sh /usr/local/bin/kiosk-hub
    file 644 root deploy/hub/kiosk-hub.service /etc/systemd/system/kiosk-hub.service
fi
living() { [ -d /run/systemd/system ]; }
if [ -n "$changed" ] && living; then
    step "tell systemd of it" systemctl daemon-reload
fi
if [ "$(systemctl is-enabled "$user.service" 2>/dev/null)" != enabled ]; then
    step "start it at every boot" systemctl enable --quiet "$user.service"
fi
if [ "$what" = terminal ] && [ -e /etc/systemd/system/display-manager.service ] &&
    [ "$(systemctl get-default)" = graphical.target ]; then
    step "boot without the desktop (systemctl set-default graphical.target brings it back)" \
        systemctl set-default --quiet multi-user.target
fi

# -- what is left to do by hand
if [ -n "$dry" ]; then
    say "nothing was done"
elif [ "$what" = terminal ]; then
    if ! faults=$(/usr/local/bin/kiosk settings "$settings" 2>&1); then
        say "correct $settings:"
        printf '  %s\n' "${faults//$'\n'/$'\n'  }"
        say "then: kiosk settings $settings; kiosk enrol CODE; systemctl restart kiosk"
    elif living && systemctl -q is-active kiosk; then
        [ -z "$changed" ] || say "the terminal runs on as it was; when nobody stands before it: systemctl restart kiosk"
        say "done"
    else
        say "done; next: kiosk enrol CODE; systemctl restart kiosk"
    fi
else
    say "done; next: kiosk-hub init --name NAME (keys, database, one-time password); systemctl restart kiosk-hub"
fi
