package serverconfig

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// value is a value of a TOML file, with its line: a string, int64, float64, bool, []value or *table; nil
// for a kind that no key takes (a date).
type value struct {
	data any
	line int
}

// table is a table of a TOML file.
type table struct {
	line    int
	entries map[string]value
	order   []string // of the keys
}

func newTable(line int) *table { return &table{line: line, entries: make(map[string]value)} }

func (t *table) set(name string, v value) {
	if _, ok := t.entries[name]; !ok {
		t.order = append(t.order, name)
	}
	t.entries[name] = v
}

// String describes a value in a message.
func (v value) String() string {
	switch d := v.data.(type) {
	case string:
		return strconv.Quote(d)
	case []value:
		return "a list"
	case *table:
		return "a table"
	case nil:
		return "a date"
	}
	return fmt.Sprint(v.data)
}

// maxSyntaxErrors is how many lines with errors of syntax are reported.
const maxSyntaxErrors = 20

// parseDocument parses a file. A line with an error of syntax is reported and left out, so that the errors
// of other lines are found as well.
func parseDocument(file, text string) (*table, Problems) {
	var problems Problems
	lines := strings.Split(text, "\n")
	for {
		text := strings.Join(lines, "\n")
		err := toml.Unmarshal([]byte(text), new(map[string]any))
		bad := (*toml.DecodeError)(nil)
		switch {
		case err == nil:
			return tree(text), problems
		case !errors.As(err, &bad):
			return newTable(0), append(problems, Problem{File: file, Found: err.Error()})
		}
		row, _ := bad.Position()
		row = min(max(row, 1), len(lines))
		if len(problems) == maxSyntaxErrors || lines[row-1] == "" {
			return newTable(0), append(problems, syntaxError(file, row, bad))
		}
		problems = append(problems, syntaxError(file, row, bad))
		lines[row-1] = ""
	}
}

func syntaxError(file string, row int, err *toml.DecodeError) Problem {
	return Problem{File: file, Line: row, Found: "not valid TOML: " + strings.TrimPrefix(err.Error(), "toml: "), Expected: `KEY = VALUE with text in quotes, like name = "eth1", or [SECTION]`}
}

// tree returns the contents of a file that the parser accepts.
func tree(text string) *table {
	var p unstable.Parser
	p.Reset([]byte(text))
	root := newTable(1)
	into := root
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			into = root.open(&p, e.Key(), false)
		case unstable.ArrayTable:
			into = root.open(&p, e.Key(), true)
		case unstable.KeyValue:
			into.add(&p, e)
		}
	}
	return root
}

// open returns the table of a header, which it makes.
func (t *table) open(p *unstable.Parser, keys unstable.Iterator, array bool) *table {
	path, line := keyPath(p, keys)
	for i, name := range path {
		is := t.entries[name]
		list, _ := is.data.([]value)
		next, _ := is.data.(*table)
		switch last := i == len(path)-1; {
		case last && array:
			next = newTable(line)
			t.set(name, value{append(list, value{next, line}), line})
		case len(list) > 0:
			next, _ = list[len(list)-1].data.(*table)
		case next == nil:
			next = newTable(line)
			t.set(name, value{next, line})
		}
		t = next
	}
	return t
}

// add adds KEY = VALUE, whose key may have dots.
func (t *table) add(p *unstable.Parser, e *unstable.Node) {
	path, line := keyPath(p, e.Key())
	last := len(path) - 1
	for _, name := range path[:last] {
		next, ok := t.entries[name].data.(*table)
		if !ok {
			next = newTable(line)
			t.set(name, value{next, line})
		}
		t = next
	}
	t.set(path[last], valueOf(p, e.Value(), line))
}

func keyPath(p *unstable.Parser, keys unstable.Iterator) (path []string, line int) {
	for keys.Next() {
		if line == 0 {
			line = p.Shape(keys.Node().Raw).Start.Line
		}
		path = append(path, string(keys.Node().Data))
	}
	return path, line
}

// valueOf returns a value; line is that of its key.
func valueOf(p *unstable.Parser, n *unstable.Node, line int) value {
	if n.Raw.Length > 0 {
		line = p.Shape(n.Raw).Start.Line
	}
	v := value{line: line}
	switch n.Kind {
	case unstable.String:
		v.data = string(n.Data)
	case unstable.Bool:
		v.data = string(n.Data) == "true"
	case unstable.Integer:
		if number, err := strconv.ParseInt(string(n.Data), 0, 64); err == nil {
			v.data = number
		} else { // TOML permits no leading zeros, so that it is a sign or an underscore
			v.data, _ = strconv.ParseInt(strings.ReplaceAll(string(n.Data), "_", ""), 10, 64)
		}
	case unstable.Float:
		v.data, _ = strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64)
	case unstable.Array:
		list := []value{}
		for items := n.Children(); items.Next(); {
			list = append(list, valueOf(p, items.Node(), line))
		}
		v.data = list
	case unstable.InlineTable:
		inner := newTable(line)
		for items := n.Children(); items.Next(); {
			inner.add(p, items.Node())
		}
		v.data = inner
	}
	return v
}
