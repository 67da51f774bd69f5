// Package attendee is Attendee's API over our services: its Zoom OAuth connections and its
// bots, in its words and with its errors, so that its clients need no change but of the
// address and the key. What is otherwise here, on purpose, docs/attendee.md lists.
//
// Its errors are those of Django REST framework: {"detail": …} for what a framework
// refuses, {"field": ["…"]} for a field, {"non_field_errors": ["…"]} for a whole body, and
// {"error": "…"} for what the API itself has to say.
package attendee
