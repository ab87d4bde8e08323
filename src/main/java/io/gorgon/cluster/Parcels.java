package io.gorgon.cluster;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.TooLarge;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SourceRef;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.StreamRefs;
import org.apache.pekko.util.ByteString;

/**
 * This packs values for the way to another node, and unpacks those that have come. Big ones go by a
 * stream reference, which has its own flow control: one message of many megabytes would exceed what
 * Pekko's remoting takes, and many pieces at once would fill its queue. Thread-safe.
 */
final class Parcels {

  private final Materializer materializer;
  private final int inlineLimit;
  private final long frameLimit;

  /**
   * For one pool.
   *
   * @param inlineLimit bytes that go in a message, and in a piece of a stream
   * @param frameLimit bytes of the largest value that is taken in
   */
  Parcels(Materializer materializer, int inlineLimit, long frameLimit) {
    this.materializer = materializer;
    this.inlineLimit = inlineLimit;
    this.frameLimit = frameLimit;
  }

  /** What lies in lent memory is copied now, or, if it is big, while the stream runs. */
  Parcel pack(Payload payload) {
    if (payload.size() <= inlineLimit) {
      List<byte[]> parts = new ArrayList<>(1 + payload.attachments().size());
      parts.add(payload.body());
      payload.attachments().forEach(bytes -> parts.add(copy(bytes)));
      return new Parcel(payload.tagged(), parts, List.of(), null);
    }
    List<ByteBuffer> parts = new ArrayList<>();
    parts.add(ByteBuffer.wrap(payload.body()));
    payload.attachments().forEach(bytes -> parts.add(bytes.duplicate()));
    List<Integer> lengths = parts.stream().map(ByteBuffer::remaining).toList();
    return new Parcel(payload.tagged(), List.of(), lengths, stream(parts));
  }

  private static byte[] copy(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return copy;
  }

  private SourceRef<ByteString> stream(List<ByteBuffer> parts) {
    Source<ByteString, NotUsed> pieces =
        Source.unfold(
            0,
            first -> {
              int at = first;
              while (at < parts.size() && !parts.get(at).hasRemaining()) {
                at++;
              }
              if (at == parts.size()) {
                return java.util.Optional.empty();
              }
              return java.util.Optional.of(
                  org.apache.pekko.japi.Pair.create(at, piece(parts.get(at))));
            });
    return pieces.runWith(StreamRefs.sourceRef(), materializer);
  }

  private ByteString piece(ByteBuffer from) {
    int length = Math.min(inlineLimit, from.remaining());
    ByteString piece = ByteString.fromByteBuffer(from.slice().limit(length));
    from.position(from.position() + length);
    return piece;
  }

  /**
   * The value that a parcel holds, when it is here.
   *
   * @return fails with {@link TooLarge}, or with what broke the stream
   */
  CompletionStage<Payload> unpack(Parcel parcel) {
    SourceRef<ByteString> stream = parcel.stream();
    if (stream == null) {
      return CompletableFuture.completedFuture(payload(parcel.tagged(), parcel.parts()));
    }
    if (parcel.lengths().stream().anyMatch(length -> length == null || length < 0)) {
      return CompletableFuture.failedFuture(
          new ProtocolViolation("another node sent a value of impossible lengths"));
    }
    long size = parcel.lengths().stream().mapToLong(Integer::longValue).sum();
    if (size > frameLimit) {
      stream.getSource().runWith(org.apache.pekko.stream.javadsl.Sink.cancelled(), materializer);
      return CompletableFuture.failedFuture(
          new TooLarge("a value from another node", size, frameLimit));
    }
    List<byte[]> parts = parcel.lengths().stream().map(length -> new byte[length]).toList();
    var filling = new Filling(parts);
    return stream
        .getSource()
        .runForeach(filling::add, materializer)
        .thenApply(
            done -> {
              filling.finish();
              return payload(parcel.tagged(), parts);
            });
  }

  /** Lets go of a value that nobody wants: its sender would keep it for a while. */
  void discard(Parcel parcel) {
    SourceRef<ByteString> stream = parcel.stream();
    if (stream != null) {
      stream.getSource().runWith(org.apache.pekko.stream.javadsl.Sink.cancelled(), materializer);
    }
  }

  private static Payload payload(boolean tagged, List<byte[]> parts) {
    List<ByteBuffer> attachments =
        parts.stream().skip(1).map(bytes -> ByteBuffer.wrap(bytes).asReadOnlyBuffer()).toList();
    return new Payload(parts.isEmpty() ? new byte[0] : parts.get(0), tagged, attachments);
  }

  /** The parts of one parcel, as they are filled; for one stream. */
  private static final class Filling {
    private final List<byte[]> parts;
    private int part;
    private int position;

    Filling(List<byte[]> parts) {
      this.parts = parts;
    }

    void add(ByteString piece) {
      ByteBuffer from = piece.asByteBuffer();
      while (from.hasRemaining()) {
        if (part == parts.size()) {
          throw new IllegalStateException("more bytes have come than were told");
        }
        byte[] to = parts.get(part);
        int length = Math.min(to.length - position, from.remaining());
        from.get(to, position, length);
        position += length;
        if (position == to.length) {
          part++;
          position = 0;
        }
      }
    }

    void finish() {
      while (part < parts.size() && parts.get(part).length == position) {
        part++;
        position = 0;
      }
      if (part < parts.size()) {
        throw new IllegalStateException("fewer bytes have come than were told");
      }
    }
  }
}
