// SPDX-License-Identifier: Apache-2.0
//
// OperatorSite: the facts that an operator gets about its place when a plan becomes running tasks.
#ifndef TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_
#define TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/data/schema.h"
#include "engine/operator.h"

namespace trident {

// The origin of an operator's batches: cut from a stream, or gathered from waiting requests. In a
// batch of requests each row carries the number of its request in the field kRequestField. A rule
// for a whole batch (such as: an ungrouped aggregate gives one row, also for no input) holds there
// for each request.
enum class SiteMode : uint8_t { kStream, kRequest };

inline constexpr char kRequestFieldName[] = "$request";

// The place of a node in its plan.
using NodeId = size_t;

// Tells whether a step hands on fields of its input. With kNone only the fields that it adds come
// out.
enum class Passes : uint8_t { kAll, kNone };

struct OperatorSite {
  std::string step;     // the user's name of the step
  const Schema* input;  // of the slices that will come; null for an operator without input
  SchemaRef output;     // of the slices it is to emit
  uint32_t partition = 0;
  uint32_t partitions = 1;
  SiteMode mode = SiteMode::kStream;
  // Tells whether any step takes the rows that this one emits.
  enum class Consumers : uint8_t { kNone, kSome } consumers = Consumers::kSome;
  // The object that the operator objects of this step at this task share. (Each of them serves
  // another attempt.)
  std::shared_ptr<std::shared_ptr<void>> shared;

  // The places, in the input, of those fields of the output that the step does not make itself.
  std::vector<size_t> KeptFields(const std::vector<SchemaField>& made) const;

  // The shared object, made at the first call.
  template <class T, class Make>
  std::shared_ptr<T> Shared(Make&& make) const {
    if (*shared == nullptr) *shared = make();
    return std::static_pointer_cast<T>(*shared);
  }
};

// Makes an operator. May fail only by CHECK: user errors were found when the topology was built.
using OperatorFactory = std::function<std::unique_ptr<Operator>(const OperatorSite& site)>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_OPERATOR_SITE_H_
