package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"upppoe/pppoe"
)

// printer shows offers as they come.
type printer interface {
	offer(o pppoe.Offer, after time.Duration)
	end()
}

type silent struct{}

func (silent) offer(pppoe.Offer, time.Duration) {}
func (silent) end()                             {}

// plain prints as pppd's program does: tags in their order, then the address.
type plain struct{}

const maxCookie = 20

func (plain) offer(o pppoe.Offer, _ time.Duration) {
	for t := range o.Tags.All() {
		switch {
		case t.Type == pppoe.TagACName:
			fmt.Printf("Access-Concentrator: %s\n", pppoe.Escape(string(t.Value)))
		case t.Type == pppoe.TagServiceName && len(t.Value) > 0:
			fmt.Printf("Service-Name: %s\n", pppoe.Escape(string(t.Value)))
		case t.Type == pppoe.TagACCookie:
			fmt.Printf("Cookie: %s\n", octets(t.Value))
		case t.Type == pppoe.TagRelaySessionID:
			fmt.Printf("Relay-ID: %s\n", octets(t.Value))
		}
	}
	if n := o.Tags.MaxPayload(); n > 0 {
		fmt.Printf("Max-Payload: %d\n", n)
	}
	fmt.Printf("AC-Ethernet-Address: %v\n%s\n", o.AC, strings.Repeat("-", 50))
}

func (plain) end() {}

func octets(b []byte) string {
	text := strings.TrimSpace(fmt.Sprintf("% 02x", b[:min(len(b), maxCookie)]))
	if len(b) > maxCookie {
		text += "..."
	}
	return text
}

// document gathers a JSON document.
type document struct {
	Concentrators []concentrator `json:"concentrators"`
}

type concentrator struct {
	Address    string   `json:"address"`
	Name       string   `json:"name"`
	Services   []string `json:"services"`
	Cookie     string   `json:"cookie,omitempty"`
	RelayID    string   `json:"relay_id,omitempty"`
	MaxPayload int      `json:"max_payload,omitempty"`
	Latency    float64  `json:"latency_ms"`
}

func (d *document) offer(o pppoe.Offer, after time.Duration) {
	c := concentrator{
		Address: o.AC.String(), Name: o.Name(), Services: []string{},
		MaxPayload: o.Tags.MaxPayload(), Latency: float64(after.Microseconds()) / 1000,
	}
	for t := range o.Tags.All() {
		switch t.Type {
		case pppoe.TagServiceName:
			c.Services = append(c.Services, string(t.Value))
		case pppoe.TagACCookie:
			c.Cookie = hex.EncodeToString(t.Value)
		case pppoe.TagRelaySessionID:
			c.RelayID = hex.EncodeToString(t.Value)
		}
	}
	d.Concentrators = append(d.Concentrators, c)
}

func (d *document) end() {
	if d.Concentrators == nil {
		d.Concentrators = []concentrator{}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.Encode(d)
}
