// Package similar finds the word that a misspelt one may stand for.
package similar

// To returns the word that is most similar to a misspelt one; empty if none is similar.
func To(word string, words []string) string {
	best, least := "", min(3, len(word)/2+1)
	for _, w := range words {
		if d := distance(word, w, least); d < least {
			best, least = w, d
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
