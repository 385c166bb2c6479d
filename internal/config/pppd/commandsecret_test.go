package pppd

import (
	"slices"
	"strings"
	"testing"
)

// TestSecretParts: passwords are found where CommandLine finds them, and nowhere else.
func TestSecretParts(t *testing.T) {
	for line, want := range map[string][]SecretPart{
		"":                         nil,
		"eth0 user a persist":      nil,
		"eth0 password x":          {{2, 0}},
		"password":                 nil,
		"--password x":             {{1, 0}},
		"--password=x user a":      {{0, 11}},
		"--password= eth0":         {{0, 11}},
		"user password password x": {{3, 0}},
		"user password x":          nil,
		"password x password y":    {{1, 0}, {3, 0}},
		"password password z":      {{1, 0}},
		"password-file password":   nil,
		"nonsense password x":      {{2, 0}},
		"--nonsense password x":    {{2, 0}},
		"persist password x":       {{2, 0}},
		"--user=password x":        nil,
		"10.0.0.1: password x":     {{2, 0}},
		"set A=password password":  nil,
	} {
		if got := SecretParts(strings.Fields(line)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
