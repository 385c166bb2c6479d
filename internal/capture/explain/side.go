package explain

import "strings"

// side is an end of a session, in the order in which a session's state has them. Which of them is the host
// is known at the end only if the capture begins within the session, so that texts name them by markers.
type side int

func (s side) other() side { return 1 - s }

// Markers of the two sides, and of them at the beginning of a sentence. Texts of peers cannot have them,
// as they are escaped.
var markers = [2]string{"\x01", "\x02"}
var beginMarkers = [2]string{"\x03", "\x04"}

func the(s side) string      { return markers[s] }
func upperThe(s side) string { return beginMarkers[s] }

// names are what the two sides are called: in sentences, and as values.
type names struct{ sentence, value [2]string }

// namesOf returns the names, given which side is the host; -1: it is not known.
func namesOf(host side) names {
	switch host {
	case 0:
		return names{[2]string{"the host", "the AC"}, [2]string{"host", "ac"}}
	case 1:
		return names{[2]string{"the AC", "the host"}, [2]string{"ac", "host"}}
	}
	// The report has the first sender as the host.
	return names{[2]string{"peer A", "peer B"}, [2]string{"host", "ac"}}
}

// resolve replaces the markers in a text.
func (n names) resolve(text string) string {
	if !strings.ContainsAny(text, "\x01\x02\x03\x04") {
		return text
	}
	upper := func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
	return strings.NewReplacer(
		markers[0], n.sentence[0], markers[1], n.sentence[1],
		beginMarkers[0], upper(n.sentence[0]), beginMarkers[1], upper(n.sentence[1]),
	).Replace(text)
}
