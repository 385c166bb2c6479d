package web

import (
	"encoding/json"
	"fmt"
	"net/http"

	"upppoe/internal/mgmt/servercontrol"
)

// serveDisconnect ends a session.
func (s *Server) serveDisconnect(w http.ResponseWriter, r *http.Request) {
	if !s.mayChange(w, r) {
		return
	}
	var request struct {
		ID uint64 `json:"id"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil || request.ID == 0 {
		http.Error(w, `give the session as {"id": 1}`, http.StatusBadRequest)
		return
	}
	result := s.program.End(servercontrol.Disconnect{Filter: servercontrol.Filter{ID: request.ID}})
	if result.Error != "" {
		http.Error(w, result.Error, http.StatusConflict)
		return
	}
	s.log.Info(fmt.Sprintf("web: session %d is disconnected at the request of %s", request.ID, clientOf(r)))
	writeJSON(w, result)
}
