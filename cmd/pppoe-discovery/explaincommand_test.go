package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const captures = "../../test/golden/testdata/"

// explained runs explain, and returns what it printed.
func explained(t *testing.T, args ...string) (code int, out, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	p := &program{out: &o, stderr: &e}
	code = p.run(t.Context(), append([]string{explainCommand}, args...))
	return code, o.String(), e.String()
}

// TestExplain: the exit code says whether a session went wrong.
func TestExplain(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pcap")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args        string
		code        int
		out, stderr string
	}{
		{captures + "pap.pcap", exitFound, "1 established, 1 probe", ""},
		{captures + "wrong-password.pcap", exitUnexpected, "First problem: The AC refused the user \"testuser\"", ""},
		{"-v " + captures + "pap.pcap", exitFound, "[PAP AuthReq id=0x1 user=\"testuser\" password=<hidden>]", ""},
		{"-v --show-passwords " + captures + "pap.pcap", exitFound, "password=\"testpassword\"", ""},
		{"--summary " + captures + "pap.pcap", exitFound, "IPv4             host 192.0.2.10, AC 192.0.2.1", ""},
		{"main.go", exitNone, "", "main.go: not a pcap or pcapng file"},
		{empty, exitNone, "", "empty.pcap: the file is empty"},
		{"missing.pcap", exitNone, "", "missing.pcap: no such file"},
		{"", exitNone, "", "explain takes one capture file"},
		{"--json --html x y", exitNone, "", "--json and --html exclude each other"},
		{"--max-sessions 0 x", exitNone, "", "--max-sessions takes a number"},
		{"--help", exitFound, "", "Usage: pppoe-discovery explain [options] FILE"},
	} {
		code, out, stderr := explained(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("explain %s: exit code %d\n%s%s", c.args, code, out, stderr)
		}
	}
}

func TestExplainJSON(t *testing.T) {
	code, out, _ := explained(t, "--json", captures+"wrong-password.pcap")
	var document struct {
		Sessions []struct {
			Outcome  string
			Problems []struct{ Code, RFC string }
		}
	}
	if err := json.Unmarshal([]byte(out), &document); err != nil || code != exitUnexpected {
		t.Fatalf("exit code %d: %v", code, err)
	}
	if s := document.Sessions[1]; s.Outcome != "failed" || s.Problems[1].Code != "chap-failure" || s.Problems[1].RFC != "RFC 1994 section 4.2" {
		t.Errorf("the session is %+v", s)
	}
}

func TestExplainHTML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	if code, out, stderr := explained(t, "--html", path, captures+"pap.pcap"); code != exitFound || out != "" {
		t.Fatalf("exit code %d: %s%s", code, out, stderr)
	}
	page, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(page, []byte("<!DOCTYPE html>")) || bytes.Contains(page, []byte("testpassword")) {
		t.Errorf("%v: the page is %.200s", err, page)
	}
	if code, _, stderr := explained(t, "--html", filepath.Join(path, "below"), captures+"pap.pcap"); code != exitNone || !strings.Contains(stderr, "--html") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
