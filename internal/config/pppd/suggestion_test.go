package pppd

import "testing"

// TestMisspeltCommand: a first word that is similar to a subcommand is none of an option's or an interface's.
func TestMisspeltCommand(t *testing.T) {
	commands := []string{"doctor", "events", "hangup", "load", "log", "status", "stop", "top"}
	r := Reader{Role: Client, IsInterface: func(name string) bool { return name == "stat" }}
	for word, want := range map[string]string{
		"dctor": "doctor", "statsu": "status", "laod": "load", "hangap": "hangup",
		"wan": "", "eno": "", "br-lan": "", "frobnicate": "", "": "",
		"stat":   "", // an interface
		"log0":   "", // perhaps one
		"persit": "", // persist
		"user":   "", // an option
		"--load": "", "192.0.2.1:": "",
	} {
		if got := r.MisspeltCommand(word, commands); got != want {
			t.Errorf("%q is similar to %q, want %q", word, got, want)
		}
	}
}
