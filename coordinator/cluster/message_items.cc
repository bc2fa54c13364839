// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/message_items.h"

#include "base/coding.h"

namespace trident {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr uint64_t kFieldNumberMax = FieldDescriptor::kMaxNumber;

// The wire types of protobuf; groups, which nobody writes any more, are not among them.
enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kLengthPrefixed = 2, kFixed32 = 5 };

// False: the bytes are no message. Stops when `left` falls below 0.
bool Count(std::string_view bytes, const Descriptor& type, int64_t& left) {
  ByteReader in(bytes);
  while (in.ok() && !in.done() && left >= 0) {
    const uint64_t tag = in.Varint();
    const uint64_t number = tag >> 3;
    if (number == 0 || number > kFieldNumberMax) return false;
    const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(number));
    const bool is_message = field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE;
    if (field == nullptr || is_message || field->is_repeated()) --left;
    switch (tag & 7) {
      case kVarint:
        in.Varint();
        break;
      case kFixed64:
        in.Fixed64();
        break;
      case kFixed32:
        in.Fixed32();
        break;
      case kLengthPrefixed: {
        const std::string_view content = in.LengthPrefixed();
        if (is_message && !Count(content, *field->message_type(), left)) return false;
        break;
      }
      default:
        return false;
    }
  }
  return in.ok();
}

}  // namespace

Status CheckItems(std::string_view bytes, const Descriptor& type, int64_t items_max) {
  int64_t left = items_max;
  if (!Count(bytes, type, left)) {
    return InvalidArgument("expected a message of the control stream, found ", bytes.size(),
                           " bytes that are none");
  }
  if (left < 0) {
    return InvalidArgument("expected at most ", items_max, " parts in a message, found more in ",
                           bytes.size(), " bytes");
  }
  return {};
}

}  // namespace trident
