package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestJSONOnTerminal: untrusted text is unchanged after decoding, and the JSON has only printable
// characters.
func TestJSONOnTerminal(t *testing.T) {
	const name = "ac\x1b[2J\u009b2J\x7f\u202eevil\u2028\U000e0041 \"grün\" \\ 網\n"
	var out bytes.Buffer
	d := document{to: &out}
	d.answer(answer{ScanResult: pppoe.ScanResult{Offer: discovery.Offer{Tags: wire.Tags(nil).Append(wire.TagACName, []byte(name)).Append(wire.TagACSystemError, []byte("\xff\x9b"))}}})
	d.end()
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("there is %U in the document", r)
		}
	}
	var back document
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back.Concentrators) != 1 || back.Concentrators[0].Name != name {
		t.Errorf("%+v, %v; want the name %q\n%s", back, err, name, &out)
	}
}
