package metrics

import (
	"net/http"
	"strings"
	"testing"

	"upppoe/internal/state/sessionlog"
)

// storeNumbers are the numbers of a file of sessions.
var storeNumbers = Store{func() sessionlog.Stats {
	return sessionlog.Stats{Sessions: 3, Bytes: 4096, Waiting: 7, Writes: 5, Compactions: 1, Errors: 2, Failing: "disk full"}
}}

// TestStore: each number has its metric.
func TestStore(t *testing.T) {
	text := get(t, handler(Config{}, server(), storeNumbers), "/metrics", http.StatusOK)
	for _, want := range []string{
		"store_sessions 3", "store_bytes 4096", "store_waiting_bytes 7", "store_writes_total 5", "store_compactions_total 1", "store_errors_total 2", "store_failing 1",
	} {
		if !strings.Contains(text, "\npppoe_server_"+want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}
