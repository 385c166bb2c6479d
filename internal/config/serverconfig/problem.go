package serverconfig

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Problem is an error or a warning about a configuration file.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // from 1; 0: the file as a whole
	Key  string `json:"key,omitempty"`  // like ipv4.local-address
	// Found is what is wrong, Expected what is valid, with an example; it may be empty.
	Found    string `json:"found"`
	Expected string `json:"expected,omitempty"`
	Warning  bool   `json:"warning"`
}

// String returns the problem in one line, which begins with file and line.
func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Warning {
		text += ": warning"
	}
	if p.Key != "" {
		text += ": " + p.Key
	}
	text += ": " + p.Found
	if p.Expected != "" {
		text += ": give " + p.Expected
	}
	return text
}

// Problems are all problems of a file, in the order of its lines. As an error they are its errors, one a
// line.
type Problems []Problem

// Error returns the errors, one a line.
func (all Problems) Error() string {
	var lines []string
	for _, p := range all {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	return strings.Join(lines, "\n")
}

// Err returns the problems as an error if one of them is an error, else nil.
func (all Problems) Err() error {
	if slices.ContainsFunc(all, func(p Problem) bool { return !p.Warning }) {
		return all
	}
	return nil
}

// Warnings returns the warnings, each as a line.
func (all Problems) Warnings() (lines []string) {
	for _, p := range all {
		if p.Warning {
			lines = append(lines, p.String())
		}
	}
	return lines
}

// WriteJSON writes the problems as a JSON array of objects.
func (all Problems) WriteJSON(w io.Writer) error {
	if all == nil {
		all = Problems{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(all)
}
