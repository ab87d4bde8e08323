package io.gorgon.connection;

import io.gorgon.message.Loan;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import io.gorgon.wire.Place;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This is what one worker has of the {@link SharedMemory}: a segment for each request with big
 * arguments, until its answer, and segments for its own big results, as long as it lives.
 *
 * <p>A request's segment is used again only if the worker said, with its answer, that nothing in it
 * refers to the arguments any more. So whatever becomes of the call (abandoned, killed, late), its
 * memory cannot be somebody else's before. A worker gets a segment for results after a big one came
 * inline: it never has to ask and wait. Thread-safe.
 */
final class Lending implements FrameCodec.Memory {

  /** Segments that one worker has for its results at most. */
  private static final int MOST_RESULTS = 16;

  /**
   * What a request has.
   *
   * @param segment where its big arguments are, if there are any
   * @param borrowing whether the views in its answer may be handed out
   */
  private record Lent(@Nullable Segment segment, boolean borrowing) {}

  private final SharedMemory memory;
  private final long keeper;
  private final Consumer<Frame> outbox;
  private final Map<Long, Lent> lent = new ConcurrentHashMap<>();
  private final Map<Integer, Segment> results = new ConcurrentHashMap<>();
  private volatile boolean open;

  /**
   * Lends nothing before {@link #open}.
   *
   * @param keeper the process id of the worker's keeper
   * @param outbox sends a frame to the worker, without waiting
   */
  Lending(SharedMemory memory, long keeper, Consumer<Frame> outbox) {
    this.memory = memory;
    this.keeper = keeper;
    this.outbox = outbox;
  }

  /** The worker has said that it can map the keeper's memory. */
  void open() {
    open = memory.isOn();
  }

  /** The worker is gone: what it had is not used again, for it may have left children. */
  void close() {
    open = false;
    for (Long request : List.copyOf(lent.keySet())) {
      takeBack(request);
    }
    for (Integer number : List.copyOf(results.keySet())) {
      Segment segment = results.remove(number);
      if (segment != null) {
        segment.knownTo().remove(this);
        memory.retire(segment);
      }
    }
  }

  private void takeBack(long request) {
    Lent taken = lent.remove(request);
    if (taken != null && taken.segment() != null) {
      taken.segment().knownTo().remove(this);
      memory.retire(taken.segment());
    }
  }

  // ---- to Python

  /** Puts big arguments of requests into shared memory; the frames to send instead. */
  List<Frame> share(List<Frame> frames) {
    if (!open) {
      return frames;
    }
    List<Frame> shared = null;
    for (int i = 0; i < frames.size(); i++) {
      Frame frame = frames.get(i);
      if (isConcerned(frame)) {
        if (shared == null) {
          shared = new ArrayList<>(frames.subList(0, i));
        }
        share(frame, shared);
      } else if (shared != null) {
        shared.add(frame);
      }
    }
    return shared == null ? frames : shared;
  }

  private boolean isConcerned(Frame frame) {
    Payload payload = frame.payload();
    return frame.kind() == Frame.Kind.REQUEST
        && (payload.loan() == Loan.WANTED || payload.attachments().stream().anyMatch(this::isBig));
  }

  private boolean isBig(ByteBuffer attachment) {
    return attachment.remaining() >= memory.threshold();
  }

  private void share(Frame frame, List<Frame> out) {
    Payload payload = frame.payload();
    long size = sizeOfBig(payload, List.of());
    Segment segment = size == 0 ? null : memory.take(size, keeper);
    lent.put(frame.id(), new Lent(segment, payload.loan() == Loan.WANTED));
    if (segment == null) {
      out.add(frame);
    } else {
      segment.markUsed();
      List<Place> places = new ArrayList<>(payload.attachments().size());
      long offset = Segment.HEADER;
      for (ByteBuffer attachment : payload.attachments()) {
        if (isBig(attachment)) {
          segment.write((int) offset, attachment);
          places.add(new Place(segment.number(), offset));
          offset += Segment.aligned(attachment.remaining());
        } else {
          places.add(Place.INLINE);
        }
      }
      if (segment.knownTo().add(this)) {
        out.add(introduction(segment, false));
      }
      out.add(new Frame(frame.kind(), frame.id(), payload, places));
    }
    if (!open) {
      takeBack(frame.id());
    }
  }

  private long sizeOfBig(Payload payload, List<Place> places) {
    long size = 0;
    for (int i = 0; i < payload.attachments().size(); i++) {
      ByteBuffer attachment = payload.attachments().get(i);
      if (isBig(attachment) && (places.isEmpty() || !places.get(i).isShared())) {
        size += Segment.aligned(attachment.remaining());
      }
    }
    return size;
  }

  private static Frame introduction(Segment segment, boolean forResults) {
    return saying(
        "{\"segment\":%d,\"descriptor\":%d,\"size\":%d,\"results\":%b}"
            .formatted(
                segment.number(), segment.kept().descriptor(), segment.kept().size(), forResults));
  }

  private static Frame saying(String body) {
    return Frame.of(Frame.Kind.SEGMENT, 0, body.getBytes(StandardCharsets.UTF_8));
  }

  /** Has the worker drop a segment that is not used any more. */
  void forget(Segment segment) {
    if (open) {
      outbox.accept(saying("{\"forget\":" + segment.number() + "}"));
    }
  }

  // ---- from Python, on the I/O thread

  @Override
  public @Nullable ByteBuffer view(Place place, long size) {
    Segment segment = results.get(place.segment());
    if (segment == null) {
      for (Lent each : lent.values()) {
        if (each.segment() != null && each.segment().number() == place.segment()) {
          segment = each.segment();
        }
      }
    }
    return segment != null && segment.holds(place.offset(), size)
        ? segment.view(place.offset(), size)
        : null;
  }

  /**
   * Takes what came out of shared memory, by a copy or as a loan, and takes a request's segment
   * back when this is its answer.
   *
   * @throws PythonFailure.ProtocolViolation if it refers to the arguments of another call
   */
  Frame received(Frame frame) {
    Lent mine =
        switch (frame.kind()) {
          case RESULT, FAILURE, END -> lent.remove(frame.id());
          default -> null;
        };
    if (mine == null && frame.payload().attachments().isEmpty()) {
      return frame;
    }
    Segment own = mine == null ? null : mine.segment();
    boolean ownIsFree = own != null && own.isFree();
    boolean lends = mine != null && mine.borrowing() && frame.kind() == Frame.Kind.RESULT;
    boolean ownIsLent = false;
    Set<Segment> used = new LinkedHashSet<>();
    Frame received = frame;
    try {
      if (!frame.places().isEmpty()) {
        List<ByteBuffer> attachments = new ArrayList<>(frame.payload().attachments());
        for (int i = 0; i < attachments.size(); i++) {
          Place place = frame.places().get(i);
          if (!place.isShared()) {
            continue;
          }
          Segment result = results.get(place.segment());
          boolean isOwn = own != null && own.number() == place.segment();
          if (result != null) {
            used.add(result);
          } else if (!isOwn) {
            throw new PythonFailure.ProtocolViolation(
                frame + " refers to the arguments of another call");
          }
          if (lends && (result != null || ownIsFree)) {
            ownIsLent |= isOwn;
          } else {
            attachments.set(i, copyOf(attachments.get(i)));
          }
        }
        Loan loan =
            lends && (ownIsLent || !used.isEmpty())
                ? loan(ownIsLent ? own : null, used)
                : Loan.NONE;
        received = Frame.of(frame.kind(), frame.id(), frame.payload().with(attachments, loan));
        if (loan == Loan.NONE) {
          used.forEach(Segment::markFree);
        }
      }
    } finally {
      if (own != null && !ownIsLent) {
        end(own, ownIsFree);
      }
    }
    provide(sizeOfBig(frame.payload(), frame.places()));
    return received;
  }

  private void end(Segment segment, boolean free) {
    if (free) {
      memory.giveBack(segment);
    } else {
      memory.retire(segment);
    }
  }

  private Loan loan(@Nullable Segment own, Set<Segment> used) {
    return Loan.of(
        () -> {
          used.forEach(Segment::markFree);
          if (own != null) {
            memory.giveBack(own);
          }
        },
        () -> {
          for (Segment segment : used) {
            if (results.remove(segment.number(), segment)) {
              memory.retire(segment);
            }
          }
          if (own != null) {
            memory.retire(own);
          }
        });
  }

  private static ByteBuffer copyOf(ByteBuffer view) {
    return ByteBuffer.allocate(view.remaining()).put(view).flip().asReadOnlyBuffer();
  }

  /** Gives the worker a segment for results as big as one that just came inline. */
  private void provide(long size) {
    if (size == 0 || !open || results.size() >= MOST_RESULTS) {
      return;
    }
    Segment segment = memory.take(size, keeper);
    if (segment == null) {
      return;
    }
    segment.markFree();
    segment.knownTo().add(this);
    results.put(segment.number(), segment);
    outbox.accept(introduction(segment, true));
  }
}
