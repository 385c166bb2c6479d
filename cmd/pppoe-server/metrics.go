package main

import (
	"fmt"
	"log/slog"

	"upppoe/internal/mgmt/metrics"
	"upppoe/pppoe"
)

// serveMetrics serves the server's numbers, if the configuration has an address for them, until stop
// is called.
func serveMetrics(c metrics.Config, server *pppoe.Server, log *slog.Logger) (stop func() error, err error) {
	if c.Listen == "" {
		return func() error { return nil }, nil
	}
	s, err := metrics.Listen(c, server)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	log.Info(fmt.Sprintf("Serving metrics on http://%v/metrics", s.Addr()))
	return s.Close, nil
}
