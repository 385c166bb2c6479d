package sessiontable

import (
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/table"
)

// Cells returns the columns and texts of a table of n sessions. Unless all columns are wanted, those
// are omitted in which every session's text is empty.
func Cells(of []Column, n int, session func(i int) *servercontrol.Session, all bool) (columns []table.Column, rows [][]string) {
	rows = make([][]string, n)
	for _, c := range of {
		texts, empty := make([]string, n), true
		for i := range n {
			texts[i] = c.Text(session(i))
			empty = empty && texts[i] == ""
		}
		if empty && !all && n > 0 {
			continue
		}
		columns = append(columns, c.Column)
		for i, text := range texts {
			rows[i] = append(rows[i], text)
		}
	}
	return columns, rows
}
