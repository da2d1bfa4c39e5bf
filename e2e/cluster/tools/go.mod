module github.com/seed45885407/saccade/e2e/cluster/tools

go 1.26.0
