// SPDX-License-Identifier: Apache-2.0
//
// StreamNames: which numbers of a store belong to the streams and batch groups of a plan. They are
// found by the names of streams and states, so the order in which a program declares them means
// nothing.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_STREAM_NAMES_H_
#define TRIDENT_TRIDENT_RUN_PARTS_STREAM_NAMES_H_

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "trident/planner/planner.h"

namespace trident {

// Gives the groups and spouts of `plan` the numbers of `store`, and new ones to those that it does
// not know; the records of these are added to `changes`. FailedPrecondition, with both names, when
// a stream of the store is not declared while another one is new (a renamed stream would be read
// again from its beginning), or when streams and states that were of one group are of several now,
// or the reverse. A store of format 1 tells no names: its streams are taken by their order if the
// partitions of each stream confirm it, else it is refused.
Status NumberByName(const DurableStore& store, Plan& plan, WriteSet& changes);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_STREAM_NAMES_H_
