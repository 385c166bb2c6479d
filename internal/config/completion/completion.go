// Package completion completes command lines in a shell. The shell's script (Script) asks the program
// itself, as PROGRAM __complete WORD..., so what it offers is what this version of the program accepts.
package completion

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Request is the first argument with which a script asks a program. The others are the words of the command
// line after the program's name, of which the last is the one to complete; it may be empty.
const Request = "__complete"

// files is the answer that stands for names of files.
const files = ":files"

// Word is a flag, an option or a command, as it is typed.
type Word struct {
	Text  string
	Help  string
	Value string // the name of its value in the help, like FILE; empty: it takes none
}

// Syntax is what may follow the name of a program or of a command.
type Syntax struct {
	Commands []Command
	Words    []Word
	Argument string // the name of another argument; empty: there is none
}

// Command is a word that has a syntax of its own after it, if it comes first.
type Command struct {
	Name, Help string
	Syntax     func() Syntax
}

// Values returns what may be given as a value of a name, like INTERFACE; nil: anything.
type Values func(name string) []string

// Write writes what may be the last of the words, one candidate per line: the text, and after a tab what it
// means. The error is the writer's.
func Write(w io.Writer, s Syntax, values Values, words []string) error {
	if len(words) == 0 {
		words = []string{""}
	}
	for _, c := range Complete(s, values, words) {
		if _, err := fmt.Fprintln(w, strings.TrimSuffix(c.Text+"\t"+oneLine(c.Help), "\t")); err != nil {
			return err
		}
	}
	return nil
}

// oneLine returns a help text without tabs and ends of lines.
func oneLine(help string) string { return strings.Join(strings.Fields(help), " ") }

// Complete returns the candidates for the last of the words, of which there must be one. Candidates without
// a Value are complete; files is one for all names of files.
func Complete(s Syntax, values Values, words []string) []Word {
	before, last := words[:len(words)-1], words[len(words)-1]
	if len(before) > 0 {
		if i := slices.IndexFunc(s.Commands, func(c Command) bool { return c.Name == before[0] }); i >= 0 {
			return Complete(s.Commands[i].Syntax(), values, words[1:])
		}
	}
	if name := s.valueAfter(before); name != "" {
		return valuesOf(name, values, "", last)
	}
	if flag, text, given := strings.Cut(last, "="); given && strings.HasPrefix(flag, "-") {
		return valuesOf(s.value(flag), values, flag+"=", text)
	}
	all := slices.Clone(s.Words)
	if len(before) == 0 {
		for _, c := range s.Commands {
			all = append(all, Word{Text: c.Name, Help: c.Help})
		}
	}
	found := matching(all, last)
	if s.Argument != "" && !strings.HasPrefix(last, "-") {
		found = append(found, valuesOf(s.Argument, values, "", last)...)
	}
	return found
}

// valueAfter returns the name of the value that follows the words; empty: the last of them takes none, or
// is itself a value.
func (s Syntax) valueAfter(words []string) (name string) {
	for _, w := range words {
		if name == "" {
			name = s.value(w)
		} else {
			name = ""
		}
	}
	return name
}

// value returns the name of a word's value.
func (s Syntax) value(text string) string {
	for _, w := range s.Words {
		if w.Text == text {
			return w.Value
		}
	}
	return ""
}

// matching returns the words that begin with a text. Flags are offered once a dash is typed.
func matching(all []Word, prefix string) (found []Word) {
	for _, w := range all {
		if strings.HasPrefix(w.Text, prefix) && (prefix != "" || w.Text[0] != '-') {
			found = append(found, Word{Text: w.Text, Help: w.Help})
		}
	}
	return found
}

// valuesOf returns the values of a name that begin with a text, each after a prefix.
func valuesOf(name string, values Values, prefix, text string) (found []Word) {
	switch name {
	case "FILE", "PATH", "DIRECTORY":
		return []Word{{Text: files}}
	}
	for _, v := range values(name) {
		if strings.HasPrefix(v, text) {
			found = append(found, Word{Text: prefix + v})
		}
	}
	return found
}
