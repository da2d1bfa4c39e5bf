package oip

import (
	"context"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
)

func (s *service) RepositoryIndex(_ context.Context, r *inference.RepositoryIndexRequest) (*inference.RepositoryIndexResponse, error) {
	if err := checkRepository(r.GetRepositoryName()); err != nil {
		return nil, err
	}
	list, err := s.door.models.index(r.GetReady())
	if err != nil {
		return nil, err
	}
	answer := &inference.RepositoryIndexResponse{}
	for _, e := range list {
		answer.Models = append(answer.Models, &inference.RepositoryIndexResponse_ModelIndex{
			Name: e.Name, Version: e.Version, State: e.State, Reason: e.Reason,
		})
	}
	return answer, nil
}

func (s *service) RepositoryModelLoad(ctx context.Context, r *inference.RepositoryModelLoadRequest) (*inference.RepositoryModelLoadResponse, error) {
	if err := checkRepository(r.GetRepositoryName()); err != nil {
		return nil, err
	}
	if len(r.GetParameters()) > 0 {
		return nil, errLoadParameters
	}
	if err := s.door.models.load(ctx, r.GetModelName()); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelLoadResponse{}, nil
}

func (s *service) RepositoryModelUnload(ctx context.Context, r *inference.RepositoryModelUnloadRequest) (*inference.RepositoryModelUnloadResponse, error) {
	if err := checkRepository(r.GetRepositoryName()); err != nil {
		return nil, err
	}
	if err := s.door.models.unload(ctx, r.GetModelName()); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelUnloadResponse{}, nil
}

// checkRepository refuses the names of repositories: there is one, without a name.
func checkRepository(name string) error {
	if name != "" {
		return functions.Errorf(functions.NotFound, "there is no repository %.64q; the one there is has no name", name)
	}
	return nil
}
