// SPDX-License-Identifier: Apache-2.0
//
// What an operator is told about its place when a plan becomes running tasks.
#ifndef TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_
#define TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/data/schema.h"
#include "engine/operator.h"

namespace trident {

// How an operator's batches come about: cut from a stream, or gathered from waiting requests. A
// batch of requests carries the number of its request in the field kRequestField, and what would
// hold for a whole batch (one row of an ungrouped aggregate, also for no input) holds for each
// request.
enum class SiteMode : uint8_t { kStream, kRequest };

inline constexpr char kRequestFieldName[] = "$request";

// The place of a node in its plan.
using NodeId = size_t;

// Does a step hand on fields of its input? If not, what it adds is all that comes out.
enum class Passes : uint8_t { kAll, kNone };

struct OperatorSite {
  std::string step;     // the user's name of the step
  const Schema* input;  // of the slices that will come; null for an operator without input
  SchemaRef output;     // of the slices it is to emit
  uint32_t partition = 0;
  uint32_t partitions = 1;
  SiteMode mode = SiteMode::kStream;
  // Does any step take what this one emits?
  enum class Consumers : uint8_t { kNone, kSome } consumers = Consumers::kSome;
  // What the operator objects of this step at this task share (each serves another attempt).
  std::shared_ptr<std::shared_ptr<void>> shared;

  // The places in the input of those fields of the output that the step does not make itself.
  std::vector<size_t> KeptFields(const std::vector<SchemaField>& made) const;

  // The shared object, made at the first call.
  template <class T, class Make>
  std::shared_ptr<T> Shared(Make&& make) const {
    if (*shared == nullptr) *shared = make();
    return std::static_pointer_cast<T>(*shared);
  }
};

// May fail only by CHECK: what can be wrong was checked when the topology was built.
using OperatorFactory = std::function<std::unique_ptr<Operator>(const OperatorSite& site)>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_
