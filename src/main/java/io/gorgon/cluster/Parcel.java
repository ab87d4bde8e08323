package io.gorgon.cluster;

import io.gorgon.message.ClusterMessage;
import java.util.List;
import java.util.Objects;
import org.apache.pekko.stream.SourceRef;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * This is a value on its way to another node, byte for byte as Python or Java encoded it: in the
 * message itself if it is small, else by a stream that the receiver runs.
 *
 * @param tagged see {@link io.gorgon.message.Payload#tagged}
 * @param parts the text and what goes beside it, in order; empty if they come by the stream
 * @param lengths bytes of each part; empty if the parts are here
 * @param stream all parts, one behind the other, in pieces; null if they are here
 */
record Parcel(
    boolean tagged,
    List<byte[]> parts,
    List<Integer> lengths,
    @Nullable SourceRef<ByteString> stream)
    implements ClusterMessage {

  private static final Parcel EMPTY = new Parcel(false, List.of(), List.of(), null);

  /** Accepts what arrives: absent parts are empty. */
  Parcel {
    parts = Objects.requireNonNullElse(parts, List.of());
    lengths = Objects.requireNonNullElse(lengths, List.of());
  }

  /** The value, or an empty one where the sender named none. */
  static Parcel orEmpty(@Nullable Parcel parcel) {
    return parcel == null ? EMPTY : parcel;
  }

  /** Prints sizes, never contents. */
  @Override
  public String toString() {
    return stream == null
        ? "Parcel[parts=" + parts.size() + "]"
        : "Parcel[stream of " + lengths + "]";
  }
}
