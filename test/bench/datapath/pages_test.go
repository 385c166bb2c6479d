package main

import (
	"flag"
	"testing"

	"upppoe/test/pages"
)

// TestPages: the options of the documentation are valid, and so are its rows and columns.
func TestPages(t *testing.T) {
	commands, err := pages.Commands("../../..", pages.Datapath)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		words, err := c.Words()
		if err != nil {
			t.Fatal(err)
		}
		set := flag.NewFlagSet("datapath", flag.ContinueOnError)
		if _, err := parseOptions(set, words[3:]); err != nil { // after go run ./test/bench/datapath
			t.Errorf("%v: %v", c, err)
		}
	}
}
