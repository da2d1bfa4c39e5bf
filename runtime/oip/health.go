package oip

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/seed45885407/saccade/runtime/oip/inference"
)

// health is gRPC's own health service: that of the whole server (""), and that of
// the protocol's service, which are the same.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	door *Door
}

// watchEvery is how soon Watch tells a change.
const watchEvery = time.Second

func (h *health) status(service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, bool) {
	switch {
	case service != "" && service != inference.GRPCInferenceService_ServiceDesc.ServiceName:
		return grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN, false
	case h.door.ready() != nil:
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING, true
	}
	return grpc_health_v1.HealthCheckResponse_SERVING, true
}

// Check says whether inferences would be answered now.
func (h *health) Check(_ context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	serving, known := h.status(r.GetService())
	if !known {
		return nil, status.Errorf(codes.NotFound, "there is no service %.128q", r.GetService())
	}
	return &grpc_health_v1.HealthCheckResponse{Status: serving}, nil
}

// Watch says it now and whenever it changes, until the caller goes or the door is
// drained.
func (h *health) Watch(r *grpc_health_v1.HealthCheckRequest, stream grpc_health_v1.Health_WatchServer) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last := grpc_health_v1.HealthCheckResponse_UNKNOWN
	for {
		if now, _ := h.status(r.GetService()); now != last {
			if err := stream.Send(&grpc_health_v1.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			last = now
		}
		if h.door.isDraining() {
			return status.Error(codes.Unavailable, said(errStops))
		}
		select {
		case <-tick.C:
		case <-h.door.draining:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}
