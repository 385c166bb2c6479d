package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"upppoe/pppoe/wire"
)

// document collects the answers for a JSON document.
type document struct {
	to            io.Writer
	Concentrators []concentrator `json:"concentrators"`
}

// escapingWriter writes JSON that may be shown on a terminal: it replaces characters that are not
// printable with JSON escapes. Package encoding/json does so only below U+0020, but U+009B, for example,
// begins terminal control sequences like ESC.
type escapingWriter struct{ to io.Writer }

// Write expects complete UTF-8 sequences.
func (w escapingWriter) Write(b []byte) (int, error) {
	var out []byte
	for _, r := range string(b) {
		if r < 0x7f || unicode.IsPrint(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, "\\u%04x", unit)
		}
	}
	if _, err := w.to.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// concentrator is an answer in JSON. Its texts are untrusted.
type concentrator struct {
	Address    string   `json:"address"`
	Vendor     string   `json:"vendor,omitempty"`
	VLAN       string   `json:"vlan,omitempty"`
	Asked      string   `json:"asked_vlan,omitempty"` // of the PADI, if it differs
	Name       string   `json:"name"`
	Services   []string `json:"services"`
	Cookie     string   `json:"cookie,omitempty"`
	RelayID    string   `json:"relay_id,omitempty"`
	MaxPayload int      `json:"max_payload,omitempty"`
	Error      string   `json:"error,omitempty"` // the name of its tag
	Unexpected bool     `json:"unexpected,omitempty"`
	Latency    float64  `json:"latency_ms"`
	Tags       []tag    `json:"tags"`
}

// tag is one tag. They are in the packet's order.
type tag struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Octets  string   `json:"octets"` // in hexadecimal
	Details []detail `json:"details,omitempty"`
}

type detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newConcentrator(a answer) concentrator {
	c := concentrator{
		Address: a.AC.String(), Vendor: vendor(a.AC), Name: a.Name(), Services: []string{}, Tags: []tag{},
		MaxPayload: a.Tags.MaxPayload(), Latency: a.milliseconds(), Unexpected: a.unexpected,
	}
	if a.scanned {
		c.VLAN = a.VLAN.String()
		if a.RequestVLAN != a.VLAN {
			c.Asked = a.RequestVLAN.String()
		}
	}
	if e, refused := a.Tags.FindError(); refused {
		c.Error = e.Tag.String()
	}
	for t := range a.Tags.All() {
		c.add(t)
	}
	return c
}

func (c *concentrator) add(t wire.Tag) {
	switch t.Type {
	case wire.TagServiceName:
		c.Services = append(c.Services, string(t.Value))
	case wire.TagACCookie:
		c.Cookie = hex.EncodeToString(t.Value)
	case wire.TagRelaySessionID:
		c.RelayID = hex.EncodeToString(t.Value)
	}
	encoded := tag{Type: fmt.Sprintf("0x%04x", uint16(t.Type)), Name: t.Type.String(), Octets: hex.EncodeToString(t.Value)}
	for _, d := range t.Details() {
		encoded.Details = append(encoded.Details, detail(d))
	}
	c.Tags = append(c.Tags, encoded)
}

func (d *document) answer(a answer) { d.Concentrators = append(d.Concentrators, newConcentrator(a)) }

func (d *document) end() {
	if d.Concentrators == nil {
		d.Concentrators = []concentrator{}
	}
	encoder := json.NewEncoder(escapingWriter{d.to})
	encoder.SetIndent("", "  ")
	encoder.Encode(d)
}

// eventRecord is an event of --watch in JSON, one per line.
type eventRecord struct {
	Time    string        `json:"time"` // RFC 3339, UTC
	Event   string        `json:"event"`
	Changes []change      `json:"changes,omitempty"`
	Missing string        `json:"missing,omitempty"` // of event "missing": the expected concentrator
	Count   int           `json:"count,omitempty"`   // of event "left-out": how many events were not reported
	Who     *concentrator `json:"concentrator,omitempty"`
}

func (p *program) printJSON(e event) {
	l := eventRecord{Time: e.at.UTC().Format(time.RFC3339), Event: string(e.kind), Changes: e.changes}
	switch e.kind {
	case missing:
		l.Missing = e.missing.String()
	case dropped:
		l.Count = e.count
	default:
		c := newConcentrator(e.answer)
		l.Who = &c
	}
	json.NewEncoder(escapingWriter{p.out}).Encode(l)
}
