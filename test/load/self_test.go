package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"upppoe/internal/roottest"
)

// TestFloodOfSession: beside a session that floods the server with Configure-Requests, others lose
// nothing, and newcomers get in.
func TestFloodOfSession(t *testing.T) {
	roottest.Need(t)
	r := runSelfTest(t, "--self -n 20 --hold 1s --flood lcp --flood-from session --flood-rate 3000 --newcomers 200ms --echo 5s")
	if r.Flood.Sent < 1000 || r.Newcomers.Dials < 2 || r.Newcomers.Failed > 0 || len(r.Failures) > 0 {
		t.Errorf("%s", r.text())
	}
	for reason, n := range r.Lost {
		if n > 1 {
			t.Errorf("%d sessions beside a flood have ended with %s", n, reason)
		}
	}
}

// runSelfTest runs the generator against our server.
func runSelfTest(t *testing.T, line string) *report {
	t.Helper()
	o, err := parseOptions(strings.Fields(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.buildServer(); err != nil {
		t.Fatal(err)
	}
	s := &selfTest{o: o, dir: os.Getenv(programEnv)}
	defer os.RemoveAll(s.dir)
	r, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSelf measures our server with 50 sessions, churn and traffic, with a device for each session
// and with one for all: nothing is lost, and the report has all phases.
func TestSelf(t *testing.T) {
	roottest.Need(t)
	for _, device := range []string{"per-session", "shared"} {
		t.Run(device, func(t *testing.T) {
			checkSelf(t, runSelfTest(t, "--self -n 50 --hold 1s --churn 20 --traffic 500,200 --echo 5s --prefix --server-args --ipv6-prefixes=2001:db8:100::/40,56 --server-args --device="+device))
		})
	}
}

// TestRestart: the report of a server that is restarted in the hold says how that went, and what the process has
// used that serves since.
func TestRestart(t *testing.T) {
	roottest.Need(t)
	for option, result := range map[string]string{"--kill": "killed, started      adopted 20 sessions", "--upgrade": "has taken over 20 sessions"} {
		r := runSelfTest(t, "--self -n 20 --hold 3s --echo 5s --server-args --device=shared "+option+" 500ms")
		if text := r.text(); r.SetUp != 20 || r.Open != 20 || !strings.Contains(text, result) || r.Server.IdleCPUPercent < 0 || r.Server.RSSHeld == 0 {
			t.Errorf("%s: %s", option, text)
		}
	}
}

func checkSelf(t *testing.T, r *report) {
	t.Helper()
	var text bytes.Buffer
	if err := r.writeJSON(&text); err != nil {
		t.Fatal(err)
	}
	read := report{}
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	if r.SetUp != 50 || r.Configured != 50 || len(r.Failures)+len(r.Lost) > 0 || r.Echoes.Lost > 0 || r.Echoes.Answered < 50 {
		t.Errorf("50 sessions: %s", r.text())
	}
	// Those that dialled again during the hold may not have one yet.
	if r.Prefixes < 50-r.Churned || len(r.Worst) > 5 {
		t.Errorf("prefixes and losses: %s", r.text())
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
