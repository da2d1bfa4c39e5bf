package oip

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
)

// newGRPC makes a server of the protocol, of health and of reflection.
func (d *Door) newGRPC() *grpc.Server {
	most := int(d.options.MaxBytes)
	s := grpc.NewServer(
		grpc.MaxRecvMsgSize(most), grpc.MaxSendMsgSize(mostMaxBytes),
		grpc.MaxConcurrentStreams(256), grpc.MaxHeaderListSize(32<<10),
		grpc.ConnectionTimeout(10*time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.InTapHandle(d.places.tap),
		grpc.UnaryInterceptor(d.unary),
		grpc.StreamInterceptor(d.stream),
		grpc.UnknownServiceHandler(unknown),
	)
	inference.RegisterGRPCInferenceServiceServer(s, &service{door: d})
	grpc_health_v1.RegisterHealthServer(s, &health{door: d})
	reflection.Register(s)
	return s
}

// unknown answers for extensions that are not served.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return status.Errorf(codes.Unimplemented, "%.128s is not served", method)
}

// unary is around each call whose message has been read.
func (d *Door) unary(ctx context.Context, message any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	arrived(ctx)
	defer func() {
		if fault := recover(); fault != nil {
			d.options.Log.Error("request panicked", "fault", fault, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, said(functions.Errorf(functions.Internal, "")))
		}
	}()
	answer, err = handle(ctx, message)
	if _, said := status.FromError(err); said { // nil too
		return answer, err
	}
	d.report(ctx, call.FullMethod, err)
	return nil, refusal(ctx, err)
}

// stream is around health's Watch and reflection, whose messages are small.
func (d *Door) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	arrived(stream.Context())
	return handle(srv, stream)
}

// service is the protocol over gRPC.
type service struct {
	inference.UnimplementedGRPCInferenceServiceServer
	door *Door
}

func (s *service) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

func (s *service) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	return &inference.ServerReadyResponse{Ready: s.door.ready() == nil}, nil
}

func (s *service) ModelReady(_ context.Context, r *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	err := s.door.modelReady(r.GetName(), r.GetVersion())
	if functions.KindOf(err) == functions.NotFound {
		return nil, err
	}
	return &inference.ModelReadyResponse{Ready: err == nil}, nil
}

func (s *service) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	m := s.door.metadata()
	return &inference.ServerMetadataResponse{Name: m.Name, Version: m.Version, Extensions: m.Extensions}, nil
}

func (s *service) ModelMetadata(_ context.Context, r *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	m, err := s.door.modelMetadata(r.GetName(), r.GetVersion())
	if err != nil {
		return nil, err
	}
	tensors := func(heads []tensorHead) (list []*inference.ModelMetadataResponse_TensorMetadata) {
		for _, h := range heads {
			list = append(list, &inference.ModelMetadataResponse_TensorMetadata{Name: h.Name, Datatype: h.Datatype, Shape: h.Shape})
		}
		return list
	}
	return &inference.ModelMetadataResponse{
		Name: m.Name, Versions: m.Versions, Platform: m.Platform, Inputs: tensors(m.Inputs), Outputs: tensors(m.Outputs),
	}, nil
}

// ModelInfer is the walk of an inference over gRPC: the model -> a place -> what
// the message says -> infer -> the answer.
func (s *service) ModelInfer(ctx context.Context, r *inference.ModelInferRequest) (*inference.ModelInferResponse, error) {
	to, release, err := s.door.models.take(r.GetModelName(), r.GetModelVersion())
	if err != nil {
		return nil, err
	}
	defer release()
	header := carried(ctx)
	ctx, leave, err := to.Server.Enter(ctx, header, int64(proto.Size(r)))
	if err != nil {
		return nil, err
	}
	defer leave()
	asked, err := understood(r)
	if err != nil {
		return nil, err
	}
	outputs, err := s.door.infer(ctx, header, to, asked)
	if err != nil {
		return nil, err
	}
	return answered(to, r, outputs), nil
}

// carried is the trace that a call came in, and how long its caller waits, as headers.
func carried(ctx context.Context) http.Header {
	came, _ := metadata.FromIncomingContext(ctx)
	header := http.Header{}
	for _, key := range []string{"traceparent", "tracestate"} {
		for _, value := range came.Get(key) {
			header.Add(key, value)
		}
	}
	if at, is := ctx.Deadline(); is {
		header.Set("Request-Timeout", max(time.Nanosecond, time.Until(at)).String())
	}
	return header
}
