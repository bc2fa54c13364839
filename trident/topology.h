// SPDX-License-Identifier: Apache-2.0
//
// Topology: a program's streams, states and request functions, under one name.
//
//   Topology topology("word-count");
//   auto counts = topology.NewStream("lines", TextFileSpout::Make({.paths = {"a.txt"}}))
//                     .Each(kLine, Split(), kWord)
//                     .GroupBy(kWord)
//                     .PersistentAggregate({.name = "counts"}, Count(), kCount);
//   topology.NewDrpcStream("words")
//       .Each(kArgs, Split(), kWord)
//       .StateQuery(counts, kWord, MapGet(), kCount)
//       .Aggregate(kCount, Sum(), kSum)
//       .Project(kSum);
//
// Run it with trident/run/run.h, or by trident/run/program.h with a command line.
#ifndef TRIDENT_TRIDENT_TOPOLOGY_H_
#define TRIDENT_TRIDENT_TOPOLOGY_H_

#include <memory>
#include <string>
#include <vector>

#include "trident/stream.h"

namespace trident {

class Spout;

// The argument of a request.
inline constexpr Field<Text> kArgs{"args"};

// Not thread-safe. May be destroyed once a Run of it has started.
class Topology {
 public:
  // `name` owns the state directory: a directory of one topology is refused to another.
  explicit Topology(std::string name);

  // A stream of what the spout emits. `name` stands in errors, in Explain and in decision records;
  // it must be unique and stay the same from start to start.
  Stream NewStream(std::string name, std::shared_ptr<Spout> spout);
  // The same for a spout that may fail to be made: the error comes from Build.
  template <class S>
  Stream NewStream(std::string name, StatusOr<std::shared_ptr<S>> spout) {
    if (spout.ok()) return NewStream(std::move(name), std::shared_ptr<Spout>(*std::move(spout)));
    return Failed("stream " + name, spout.status());
  }
  template <class S>
  Stream NewStream(std::string name, StatusOr<std::unique_ptr<S>> spout) {
    if (spout.ok()) return NewStream(std::move(name), std::shared_ptr<Spout>(*std::move(spout)));
    return Failed("stream " + name, spout.status());
  }
  // A request topology: each call of `function` is a row [args]; the answer is the rows of the last
  // step that was added behind this stream. Copies of its functions run at the same time.
  Stream NewDrpcStream(std::string function);
  // All rows of the streams, which must have fields of the same types. The names are those of the
  // first.
  Stream Merge(const std::vector<Stream>& streams);

  const std::string& name() const;
  // The plan, or the errors that steps made, one a line.
  StatusOr<std::shared_ptr<const LogicalPlan>> Build() const;
  // The plan cut into stages, as text or in Graphviz's language, with the user's names.
  StatusOr<std::string> Explain() const;
  StatusOr<std::string> ExplainDot() const;

 private:
  Stream Failed(const std::string& step, const Status& error);

  std::shared_ptr<LogicalPlan> plan_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_TOPOLOGY_H_
