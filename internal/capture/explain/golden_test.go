package explain_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/capture/explain"
	"upppoe/internal/capture/reader"
)

var update = flag.Bool("update", false, "write the golden files")

// explained returns the report of a capture.
func explained(t *testing.T, name string, data []byte, o explain.Options) *explain.Report {
	t.Helper()
	r, err := reader.Open(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	report := explain.New(o).Read(r, nil)
	report.File = name
	return report
}

// TestCapturesOfPPPD explains captures of the real pppd and rp-pppoe.
func TestCapturesOfPPPD(t *testing.T) {
	captures, err := filepath.Glob("../../../test/golden/testdata/*.pcap")
	if err != nil || len(captures) < 11 {
		t.Fatalf("found %d captures: %v", len(captures), err)
	}
	for _, path := range captures {
		name := strings.TrimSuffix(filepath.Base(path), ".pcap")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "pppd", name+".txt"), explained(t, name+".pcap", data, explain.Options{}))
		})
	}
}

// golden compares a report's text with a file.
func golden(t *testing.T, path string, r *explain.Report) {
	t.Helper()
	var got bytes.Buffer
	if err := r.WriteText(&got, explain.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got.String(), want)
	}
}

// TestCapturesOfTools explains captures of one client and server by other tools: dumpcap, with nanoseconds and options, and
// tcpdump on all interfaces, where frames of a VLAN have their tag (Linux cooked capture) or lack it (version 2).
func TestCapturesOfTools(t *testing.T) {
	captures, err := filepath.Glob("testdata/tools/*.pcap*")
	if err != nil || len(captures) < 4 {
		t.Fatalf("found %d captures: %v", len(captures), err)
	}
	for _, path := range captures {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		report := explained(t, name, data, explain.Options{})
		golden(t, strings.TrimSuffix(path, filepath.Ext(path))+".txt", report)
		if len(report.Sessions) != 1 || report.Sessions[0].Outcome != explain.Established {
			t.Errorf("%s: %d sessions, %+v", name, len(report.Sessions), report.Sessions)
		}
	}
}
