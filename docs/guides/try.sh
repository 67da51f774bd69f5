# Made to be sourced by the guides: a server and a pretend Zoom on this machine, with Ana's
# account connected and a meeting of hers. They end with the shell that sources this.
# Needs bash, curl and lanyard. It sets
#
#   LANYARD_SERVER LANYARD_KEY   where the server is, and a key with every scope
#   SANDBOX                      where the pretend Zoom is
#   APP CONNECTION ZOOM_USER     the app, Ana's connection, and her id at Zoom
#   NUMBER MEETING               her meeting, by number and as a link
#   REDIRECT                     the callback that is registered, at a site of yours
#
# and has functions: member NAME reads a text out of JSON; consent URL has Ana say yes at
# the address of the pretend Zoom, and prints where her browser was sent; enters and leaves
# put somebody into the meeting.

member() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' | head -n 1; }
consent() { curl -sS -o /dev/null -w '%{redirect_url}\n' "$1&sandbox_person=ana&sandbox_consent=allow"; }
enters() { curl -sS -o /dev/null "$SANDBOX/admin/meetings/$NUMBER/present" -d '{"person":"'"$1"'"}'; }
leaves() { curl -sS -o /dev/null "$SANDBOX/admin/meetings/$NUMBER/absent" -d '{"person":"'"$1"'"}'; }
api() { curl -sS -H "Authorization: Bearer $LANYARD_KEY" -H 'Content-Type: application/json' "$@"; }

try=$(mktemp -d)
lanyard demo --json --port 0 >"$try/demo" 2>"$try/log" &
try_demo=$!
trap 'kill $try_demo 2>/dev/null || true; rm -rf "$try"' EXIT
until grep -qs '"sandbox":"[^"]*"}' "$try/demo"; do # the last of the addresses, whole
	kill -0 $try_demo 2>/dev/null || break
	sleep 0.1
done
LANYARD_KEY=$(member key <"$try/demo") LANYARD_SERVER=$(member lanyard <"$try/demo") SANDBOX=$(member sandbox <"$try/demo")
[ -n "$LANYARD_KEY" ] || { cat "$try/log" >&2 && exit 1; }
export LANYARD_KEY LANYARD_SERVER

REDIRECT=https://bots.example.com/zoom/callback
curl -sS "$SANDBOX/admin/clients" -d '{"provider":"zoom","name":"Bots","redirect_uris":["'"$REDIRECT"'"]}' >"$try/client"
APP=$(api "$LANYARD_SERVER/v1/apps" -d '{"provider":"zoom","name":"Bots","client_id":"'"$(member client_id <"$try/client")"'",
	"client_secret":"'"$(member client_secret <"$try/client")"'","redirect_uris":["'"$REDIRECT"'"],
	"scopes":["user:read:user","user:read:token","user:read:zak","meeting:read:list_meetings","meeting:read:local_recording_token"],
	"endpoints":{"authorize":"'"$SANDBOX"'/zoom/oauth/authorize","token":"'"$SANDBOX"'/zoom/oauth/token",
	"revoke":"'"$SANDBOX"'/zoom/oauth/revoke","api":"'"$SANDBOX"'/zoom"}}' | tee "$try/app" | member id)
[ -n "$APP" ] || { cat "$try/app" >&2 && exit 1; }

api -G "$LANYARD_SERVER/v1/authorize-url" -d app_id="$APP" -d redirect_uri="$REDIRECT" -d end_user_id=ana-at-yours >"$try/url"
back=$(consent "$(member authorize_url <"$try/url" | sed 's/\\u0026/\&/g')")
code=${back##*code=} state=${back##*state=}
api "$LANYARD_SERVER/v1/connections" -d '{"app_id":"'"$APP"'","code":"'"${code%%&*}"'","state":"'"${state%%&*}"'","redirect_uri":"'"$REDIRECT"'"}' >"$try/connection"
CONNECTION=$(grep -o 'con_[0-9a-z]*' "$try/connection" | head -n 1)
[ -n "$CONNECTION" ] || { cat "$try/connection" >&2 && exit 1; }
ZOOM_USER=$(sed -n 's/.*"account":{"id":"\([^"]*\)".*/\1/p' "$try/connection")
NUMBER=$(curl -sS "$SANDBOX/admin/meetings" -d '{"host":"ana","topic":"Weekly"}' | member number)
MEETING="https://zoom.us/j/$NUMBER?pwd=sesame.1"
