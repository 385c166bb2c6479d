// Package pages reads the documentation, which is README.md, the pages in .github/docs and the READMEs of
// tests and packages, and says of each command in it which test runs it, or why none does.
package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Code is code in a page.
type Code struct {
	File    string // from the root of the module
	Line    int
	Section string // the heading above
	Block   bool   // a block, not a part of a line
	// Language is that of a block: console, sh, toml and so on; empty if the page does not say.
	Language string
	Text     string
}

// Files returns the pages of the module, as names from its root. The list of changes is none of them: it may name
// what is no more.
func Files(root string) (files []string, err error) {
	for _, pattern := range []string{"README.md", ".github/CONTRIBUTING.md", ".github/docs/*.md", "test/*/README.md", "test/*/*/README.md", "internal/packaging/files/openwrt/README"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			name, err := filepath.Rel(root, f)
			if err != nil {
				return nil, err
			}
			files = append(files, name)
		}
	}
	return files, nil
}

// Read returns all code of the pages.
func Read(root string) (all []Code, err error) {
	files, err := Files(root)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		all = append(all, parse(name, string(text))...)
	}
	return all, nil
}

// parser splits a page of Markdown by lines.
type parser struct {
	file, section string
	all           []Code
	open          *Code  // the block that has not ended
	end           string // of the open block: a line, or the empty one for an indented block
	blank         bool   // the line before was
}

// parse returns the code of a page, without what is in comments.
func parse(file, text string) []Code {
	p := &parser{file: file, blank: true}
	for i, line := range strings.Split(comment.ReplaceAllStringFunc(text, blankLines), "\n") {
		p.line(i+1, line)
		p.blank = line == ""
	}
	return p.all
}

var comment = regexp.MustCompile(`(?s)<!--.*?-->`)

// blankLines leaves only the ends of lines.
func blankLines(text string) string { return strings.Repeat("\n", strings.Count(text, "\n")) }

// indented matches a line of an indented block.
var indented = regexp.MustCompile(`^(?:    |\t)(.*)`)

var span = regexp.MustCompile("`([^`]+)`")

func (p *parser) line(number int, line string) {
	inside := indented.FindStringSubmatch(line)
	switch {
	case p.open != nil && p.end == "" && inside != nil:
		p.open.Text += inside[1] + "\n"
	case p.open != nil && p.end == line:
		p.close()
	case p.open != nil:
		p.open.Text += line + "\n"
	case strings.HasPrefix(line, "```"):
		p.open, p.end = p.code(number, ""), "```"
		p.open.Block, p.open.Language = true, line[3:]
	case inside != nil && p.blank:
		p.open, p.end = p.code(number, inside[1]+"\n"), ""
		p.open.Block = true
	case strings.HasPrefix(line, "#"):
		p.section = strings.TrimLeft(line, "# ")
	default:
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			p.all = append(p.all, *p.code(number, m[1]))
		}
	}
}

// close ends the open block. Of one whose lines are all commands of Go, each command is code of its own.
func (p *parser) close() {
	block := *p.open
	p.open = nil
	lines := strings.Split(strings.TrimSuffix(continued.ReplaceAllString(block.Text, " "), "\n"), "\n")
	if slices.ContainsFunc(lines, func(line string) bool { return !goCommand.MatchString(line) }) {
		p.all = append(p.all, block)
		return
	}
	for _, line := range lines {
		p.all = append(p.all, *p.code(block.Line, line))
	}
}

// continued matches the end of a line that the next one continues.
var continued = regexp.MustCompile(` *\\\n *`)

var goCommand = regexp.MustCompile(`^go (run|test) `)

func (p *parser) code(line int, text string) *Code {
	return &Code{File: p.file, Line: line, Section: p.section, Text: text}
}
