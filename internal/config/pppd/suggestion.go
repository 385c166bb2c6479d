package pppd

// suggestion returns the option that is most similar to a misspelt word; empty if none is similar.
func (r *Reader) suggestion(word string) string {
	best, least := "", min(3, len(word)/2+1)
	for _, g := range groups {
		for i := range g.options {
			if o := &g.options[i]; o.status == honoured && o.allowed(r.Role) {
				if d := distance(word, o.name, least); d < least {
					best, least = o.name, d
				}
			}
		}
	}
	return best
}

// distance returns the Levenshtein distance of two words if it is less than limit, else limit or more.
func distance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
