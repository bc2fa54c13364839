// SPDX-License-Identifier: Apache-2.0
//
// How many parts a message has, found without making any. A part that is empty takes two bytes on
// the wire and a hundred in memory, so the size of a message is no bound of what it becomes.
#ifndef TRIDENT_COORDINATOR_CLUSTER_MESSAGE_ITEMS_H_
#define TRIDENT_COORDINATOR_CLUSTER_MESSAGE_ITEMS_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace trident {

// Counts messages within it, elements of lists, and fields that the type does not know.
// InvalidArgument: the bytes are no message at all, or have more than `items_max` of these. Takes
// time in proportion to the bytes, and no memory. REQUIRES: no message type contains itself.
Status CheckItems(std::string_view bytes, const google::protobuf::Descriptor& type,
                  int64_t items_max);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_MESSAGE_ITEMS_H_
