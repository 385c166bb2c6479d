package etcdstore

import (
	"fmt"
	"strconv"
	"strings"

	"upppoe/internal/state"
)

// Keys are PREFIX, then "sessions/", then the generation in 16 hexadecimal digits, so that they sort by
// it, then "/" and the number of the part.

func sessionsPrefix(prefix string) string { return prefix + "sessions/" }

// sessionKey is what the keys of a session begin with.
func sessionKey(prefix string, of state.Generation) string {
	return fmt.Sprintf("%s%016x/", sessionsPrefix(prefix), of)
}

func partKey(prefix string, of state.Generation, part state.Part) string {
	return sessionKey(prefix, of) + strconv.Itoa(int(part))
}

// parseKey returns what a key is of; ok is false for keys of other things, and of no number.
func parseKey(prefix, key string) (of state.Generation, part state.Part, ok bool) {
	rest, ok := strings.CutPrefix(key, sessionsPrefix(prefix))
	if !ok {
		return 0, 0, false
	}
	generation, number, ok := strings.Cut(rest, "/")
	if !ok || len(generation) != 16 {
		return 0, 0, false
	}
	of, err := strconv.ParseUint(generation, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(number, 10, 8)
	return of, state.Part(n), err == nil
}
