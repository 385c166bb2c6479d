package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe/wire"
)

// TestPercentiles compares the histogram's percentiles with those of the sorted durations.
func TestPercentiles(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 10, 1000, 10000} {
		var h histogram
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(source.ExpFloat64() * float64(50*time.Millisecond))
			h.add(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{0, 50, 90, 99} {
			want := all[int(q/100*float64(n))]
			got := h.percentile(q)
			if d := (got - want).Abs(); d > want/50+time.Microsecond {
				t.Errorf("%d durations: percentile %v is %v, want %v", n, q, got, want)
			}
		}
		if h.percentile(100) != all[n-1] {
			t.Errorf("%d durations: the largest is %v, want %v", n, h.percentile(100), all[n-1])
		}
	}
	if n := (&histogram{}).percentile(50); n != 0 {
		t.Errorf("the median of no durations is %v", n)
	}
}

// TestBuckets: each bucket begins where the one before ends, up to the longest duration.
func TestBuckets(t *testing.T) {
	for i := range bucket(uint64(time.Duration(1<<63 - 1).Microseconds())) {
		if low := lowest(i); bucket(low) != i || i > 0 && bucket(low-1) != i-1 {
			t.Fatalf("bucket %d begins with %d, which is in %d", i, low, bucket(low))
		}
	}
}

// TestClients: templates and VLANs make each client's identity, and the ports' prefix has all
// addresses.
func TestClients(t *testing.T) {
	o, err := parseOptions(strings.Fields("-I eth0 -n 300 --mac 02:4c:00:00:00:f0 --user u%d@isp --password p%d --vlan 7,9.1-2"))
	if err != nil {
		t.Fatal(err)
	}
	first, last := o.client(0), o.client(299)
	if first.User != "u0@isp" || first.Password != "p0" || first.VLAN.String() != "7" || first.Addr != (wire.Addr{2, 0x4c, 0, 0, 0, 0xf0}) {
		t.Errorf("the first client is %+v", first)
	}
	if last.User != "u299@isp" || last.VLAN.String() != "9.2" || last.Addr != (wire.Addr{2, 0x4c, 0, 0, 2, 0x1b}) {
		t.Errorf("the last client is %+v", last)
	}
	if n := o.prefix(); n != 38 {
		t.Errorf("the addresses up to %v have a prefix of %d bits, want 38", addr(number(o.base)+uint64(o.addresses()-1)), n)
	}
}

// TestOptionErrors: an error names the flag.
func TestOptionErrors(t *testing.T) {
	for flag, line := range map[string]string{
		"--interface":   "-n 10",
		"--self":        "-I eth0 --self",
		"--sessions":    "-I eth0 -n 0",
		"--rate":        "-I eth0 --rate -1",
		"--in-progress": "-I eth0 --in-progress 0",
		"--hold":        "-I eth0 --hold -1s",
		"--user":        "-I eth0 --user %s",
		"--password":    "-I eth0 --password %d%d",
		"--mac":         "-I eth0 --mac 03:00:00:00:00:00",
		"--vlan":        "-I eth0 --vlan 4095",
		"--traffic":     "-I eth0 --traffic 10,5",
		"--target":      "-I eth0 --target nowhere",
		"--flood":       "-I eth0 --flood arp",
		"--flood-rate":  "-I eth0 --flood padi --flood-rate 0",
		"--flood-from":  "-I eth0 --flood padi --flood-from all",
		"needs --hold":  "-I eth0 --flood padi",
		"unexpected":    "-I eth0 more",
	} {
		if _, err := parseOptions(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v, want an error that names %s", line, err, flag)
		}
	}
}

// TestSelf measures our server with 50 sessions, churn and traffic, with a device for each session
// and with one for all: nothing is lost, and the report has all phases.
func TestSelf(t *testing.T) {
	roottest.Need(t)
	for _, device := range []string{"per-session", "shared"} {
		t.Run(device, func(t *testing.T) {
			checkSelf(t, runSelfTest(t, "--self -n 50 --hold 1s --churn 20 --traffic 500,200 --echo 5s --server-args --device="+device))
		})
	}
}

func checkSelf(t *testing.T, r *report) {
	t.Helper()
	var text bytes.Buffer
	if err := r.write(&text, true); err != nil {
		t.Fatal(err)
	}
	read := report{}
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	if r.SetUp != 50 || r.Configured != 50 || len(r.Failures)+len(r.Lost) > 0 || r.Echoes.Lost > 0 || r.Echoes.Answered < 50 {
		t.Errorf("50 sessions: %s", r.text())
	}
	if r.Churned < 5 || r.Dials <= 50 || r.Traffic.Sent < 100 || r.Traffic.LossPercent > 20 {
		t.Errorf("churn and traffic: %s", r.text())
	}
	for _, p := range read.Phases {
		if p.Count < 50 || p.P50 > p.P90 || p.P90 > p.P99 || p.P99 > p.Max {
			t.Errorf("phase %+v", p)
		}
	}
	if read.Server.RSSOpen == 0 || read.Server.DevicesGoneSeconds == 0 {
		t.Errorf("server %+v", read.Server)
	}
}
