package load

import (
	"strings"
	"testing"
	"time"
)

// testReport is the report of 200 sessions, of which 198 were set up.
func testReport() *Report {
	r := &Report{Sessions: 200, SetUp: 198, Failures: map[string]int{"no PADO": 2}, setUpAt: 2 * time.Second}
	for i := range 100 {
		r.phases[phaseOpen].add(time.Duration(i+1) * 10 * time.Millisecond)
	}
	r.Traffic.Sent, r.Traffic.Received = 1000, 990
	r.complete()
	return r
}

// TestExpectations: conditions are met, or say what was measured.
func TestExpectations(t *testing.T) {
	r := testReport()
	for text, want := range map[string]string{
		"established=100%":     "established=100%: it is 99%",
		"established>=99%":     "",
		"established == 198":   "",
		"established>198":      "established>198: it is 198",
		"failed<1%":            "failed<1%: it is 1%",
		"failed<=2":            "",
		"lost=0":               "",
		"rate>90":              "",
		"loss<1%":              "loss<1%: it is 1%",
		"loss<1":               "loss<1: it is 1%",
		"setup.p50<700ms":      "",
		"setup.max<1s":         "setup.max<1s: it is 1s",
		"prefix.p99<1s":        "prefix.p99<1s: nothing was measured",
		"prefixes = 100 %":     "no number",
		"setup<1s":             `nothing is called "setup"`,
		"setup.p98<1s":         `nothing is called "setup.p98"`,
		"setup.p99<1":          "give a time",
		"rate>5%":              "without %",
		"established":          "give a condition",
		"established=100%,":    "give a condition",
		"lost=0, failed<=1":    "failed<=1: it is 2",
		"lost=many":            `"many" is no number`,
		"nothing<established,": `nothing is called "nothing"`,
	} {
		all, err := ParseExpectations(text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		for _, e := range all {
			got += e.Check(r)
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if n := len(ExpectationNames()); n != len(measures)+len(timed) {
		t.Errorf("%d names are listed", n)
	}
}
