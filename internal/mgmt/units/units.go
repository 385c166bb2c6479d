// Package units formats times, octets and rates for people.
package units

import (
	"fmt"
	"strings"
	"time"
)

// Uptime formats seconds as 1d02h, 2h03m, 3m04s or 5s.
func Uptime(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	days, hours, minutes := d/(24*time.Hour), d/time.Hour, d/time.Minute
	switch {
	case seconds <= 0:
		return ""
	case days > 0:
		return fmt.Sprintf("%dd%02dh", days, hours%24)
	case hours > 0:
		return fmt.Sprintf("%dh%02dm", hours, minutes%60)
	case minutes > 0:
		return fmt.Sprintf("%dm%02ds", minutes, int(d/time.Second)%60)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// Size formats octets by powers of 1000: 1.5 kB.
func Size(octets uint64) string { return withUnit(Scaled(float64(octets)), "B") }

// BitRate formats a rate in bit/s by powers of 1000; nil: it was not measured, and empty.
func BitRate(bits *uint64) string { return withUnit(ShortRate(bits), "bit/s") }

// ShortRate formats a rate without its unit; empty: it was not measured.
func ShortRate(bits *uint64) string {
	if bits == nil {
		return ""
	}
	return Scaled(float64(*bits))
}

// withUnit puts a space and a unit after a number: 10k becomes 10 kB.
func withUnit(number, unit string) string {
	digits := strings.TrimRight(number, prefixes)
	if digits == "" {
		return ""
	}
	return digits + " " + number[len(digits):] + unit
}

// prefixes are those of SI, by powers of 1000.
const prefixes = "kMGTPE"

// Scaled formats a number with two or three digits and a prefix: 999, 1.0k, 10k.
func Scaled(n float64) string {
	i := 0
	for ; n >= 999.5 && i < len(prefixes); i++ {
		n /= 1000
	}
	switch prefix := prefixes[max(0, i-1):i]; {
	case i > 0 && n < 9.95:
		return fmt.Sprintf("%.1f%s", n, prefix)
	default:
		return fmt.Sprintf("%.0f%s", n, prefix)
	}
}
