package units

import (
	"testing"
)

// TestNumbersForPeople: times, sizes and rates.
func TestNumbersForPeople(t *testing.T) {
	for seconds, want := range map[float64]string{0: "", 0.2: "0s", 59.9: "59s", 60: "1m00s", 3599: "59m59s", 3600: "1h00m", 86399: "23h59m", 86400: "1d00h", 1e7: "115d17h"} {
		if got := Uptime(seconds); got != want {
			t.Errorf("%v seconds: %q, want %q", seconds, got, want)
		}
	}
	for octets, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9940: "9.9 kB", 9960: "10 kB", 999_499: "999 kB", 999_600: "1.0 MB", 1 << 63: "9.2 EB"} {
		if got := Size(octets); got != want {
			t.Errorf("%d octets: %q, want %q", octets, got, want)
		}
	}
}
