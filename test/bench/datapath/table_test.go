package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// measured returns two rows; the second is a baseline.
func measured() table {
	row := func(name string, tcp, udp []float64) *network {
		return &network{configuration: configuration{name: name}, results: map[string][]float64{tcp1: tcp, udp64: udp}}
	}
	return table{[]string{tcp1, udp64}, []*network{
		row("plain", []float64{2, 1, 3}, []float64{0, 0, 100}),
		row(segmentedBaseline, []float64{4, 4, 4}, []float64{0, 0, 200}),
	}, 3, 0.1}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	measured().write(&out)
	const want = `
               TCP 1  UDP 64
plain          2.00   0
veth-segments  4.00   0

of veth-segments  TCP 1  UDP 64
plain             0.50   0.50
veth-segments     1.00   1.00
`
	if !strings.HasPrefix("\n"+out.String(), want) {
		t.Errorf("is\n%s\nwant%s", out.String(), want)
	}
}

func TestTableJSON(t *testing.T) {
	var out bytes.Buffer
	m := measured()
	m.networks[1].results[udp64] = []float64{0, 0, 0}
	if err := m.writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	plain := rows[0]
	if len(rows) != 2 || plain.Name != "plain" || plain.Median[tcp1] != 2 || len(plain.Turns[udp64]) != 3 || plain.Of[segmentedBaseline][tcp1] != 0.5 {
		t.Errorf("reads as %+v", rows)
	}
	if _, ok := plain.Of[segmentedBaseline][udp64]; ok {
		t.Error("there is a ratio to zero")
	}
}

func TestOptionalRows(t *testing.T) {
	for _, c := range []struct {
		only  []string
		asked bool
		want  bool
	}{{nil, false, true}, {nil, true, false}, {[]string{"af-xdp"}, true, true}, {[]string{"plain"}, true, false}} {
		if got := (options{only: c.only}).wantsRow(configuration{name: "af-xdp", optional: c.asked}); got != c.want {
			t.Errorf("-only %v selects an optional row (%v): %v", c.only, c.asked, got)
		}
	}
}
