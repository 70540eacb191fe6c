#!/bin/sh
# Is what Tidegate streams held back on the way? Usage: self-test.sh https://chat.example.com
# Prints the verdict. Exit code: 0 nothing is held back, 1 something is, 2 no verdict came.
url="${1:?usage: self-test.sh URL}"

# A step is acknowledged as soon as it is here, several times at once: behind a balancer, other gateways get some and
# hold them for a moment, so that the one that runs the test gets one, too (R-SELF-4).
acknowledge() {
  for _ in 1 2 3 4 5 6 7 8; do
    curl -s -o /dev/null -X POST "$url$1" &
  done
  wait
}

# -N: curl does not hold back either.
verdict="$(curl -sN "$url/v1/self-test/stream" | while IFS= read -r line; do
  case "$line" in
    *'"acknowledge":"'*)
      path="${line#*\"acknowledge\":\"}"
      acknowledge "${path%%\"*}"
      ;;
    *'"buffered":'*) printf '%s\n' "${line#data: }" ;;
  esac
done)"
printf '%s\n' "${verdict:-no verdict}"
case "$verdict" in
  *'"buffered":false'*) exit 0 ;;
  *'"buffered":true'*) exit 1 ;;
  *) exit 2 ;;
esac
