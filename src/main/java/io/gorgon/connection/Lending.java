package io.gorgon.connection;

import io.gorgon.message.Loan;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import io.gorgon.wire.Place;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * This is what one worker has of the {@link SharedMemory}: segments for what each request is given,
 * until its answer, and segments for its own big results, as long as it lives.
 *
 * <p>A request's segment is used again only if the worker said, with its answer or before, that
 * nothing in it refers to that memory any more. So whatever becomes of the call (abandoned, killed,
 * late), its memory cannot be somebody else's before. A worker gets a segment for results after a
 * big one came inline: it never has to ask and wait. Thread-safe.
 */
final class Lending implements FrameCodec.Memory {

  private final SharedMemory memory;
  private final long keeper;
  private final Consumer<Frame> outbox;
  private final Map<Long, Lent> lent = new ConcurrentHashMap<>();
  private final Results results;

  /**
   * Held from the look whether a call runs until what it is given is on its way, and while one ends
   * that may be given something. So the worker hears that a segment is gone behind the last frame
   * that refers to it.
   */
  private final ReentrantLock giving = new ReentrantLock();

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
    this.results = new Results(memory, keeper, this, outbox);
  }

  boolean isOpen() {
    return open;
  }

  /** The worker has said that it can map the keeper's memory. */
  void open() {
    open = memory.isOn();
    if (open) {
      memory.lendings().add(this);
    }
  }

  /** The worker is gone: what it had is not used again, for it may have left children. */
  void close() {
    giving.lock();
    try {
      open = false;
      memory.lendings().remove(this);
      for (Lent each : lent.values()) {
        each.segments().forEach(this::retire);
      }
      lent.clear();
    } finally {
      giving.unlock();
    }
    results.close();
  }

  private void retire(Segment segment) {
    segment.knownTo().remove(this);
    memory.retire(segment);
  }

  // ---- to Python

  /**
   * Sends frames, with what is big in them in shared memory.
   *
   * @param out sends those that it is given, in order and without waiting
   */
  long send(List<Frame> frames, ToLongFunction<List<Frame>> out) {
    if (!open || !isAnyConcerned(frames)) {
      return out.applyAsLong(frames);
    }
    giving.lock();
    try {
      if (!open) {
        return out.applyAsLong(frames);
      }
      List<Frame> shared = new ArrayList<>(frames.size() + 1);
      for (Frame frame : frames) {
        if (isConcerned(frame)) {
          share(frame, shared);
        } else {
          shared.add(frame);
        }
      }
      return out.applyAsLong(shared);
    } finally {
      giving.unlock();
    }
  }

  private boolean isAnyConcerned(List<Frame> frames) {
    for (Frame frame : frames) {
      if (isConcerned(frame)) {
        return true;
      }
    }
    return false;
  }

  private boolean isConcerned(Frame frame) {
    Payload payload = frame.payload();
    return switch (frame.kind()) {
      case REQUEST -> payload.loan() == Loan.WANTED || isAnyBig(payload);
      case HOST_REPLY, ITEM -> isAnyBig(payload);
      default -> false;
    };
  }

  private boolean isAnyBig(Payload payload) {
    for (ByteBuffer attachment : payload.attachments()) {
      if (isBig(attachment)) {
        return true;
      }
    }
    return false;
  }

  private boolean isBig(ByteBuffer attachment) {
    return attachment.remaining() >= memory.threshold();
  }

  private void share(Frame frame, List<Frame> out) {
    Payload payload = frame.payload();
    boolean begins = frame.kind() == Frame.Kind.REQUEST;
    Lent mine = begins ? new Lent(payload.loan() == Loan.WANTED) : lent.get(frame.id());
    if (mine == null) { // its call has ended
      out.add(frame);
      return;
    }
    takeBackEarly(mine);
    long size = sizeOfBig(payload, List.of());
    Segment segment = size == 0 ? null : memory.take(size, keeper);
    if (segment != null) {
      segment.markUsed();
      mine.segments().add(segment);
    }
    if (begins) {
      lent.put(frame.id(), mine);
    }
    if (segment == null) {
      out.add(frame);
      return;
    }
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
      out.add(segment.introduction(false));
    }
    out.add(new Frame(frame.kind(), frame.id(), payload, places));
  }

  /** Uses again what the worker let go of while the call runs: no answer will refer to it. */
  private void takeBackEarly(Lent mine) {
    for (Segment segment : mine.segments()) {
      if (segment.isLetGo() && mine.segments().remove(segment)) {
        memory.giveBack(segment);
      }
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

  /** Has the worker drop a segment that is not used any more. */
  void forget(Segment segment) {
    if (open) {
      outbox.accept(segment.forgetting());
    }
  }

  /** Takes back what has not been used for results since {@code before}, as far as it is free. */
  void release(long before) {
    results.release(before);
  }

  // ---- from Python, on the I/O thread

  @Override
  public @Nullable ByteBuffer view(Place place, long size) {
    Segment segment = results.find(place.segment());
    for (Iterator<Lent> each = lent.values().iterator(); segment == null && each.hasNext(); ) {
      segment = each.next().find(place.segment());
    }
    return segment != null && segment.holds(place.offset(), size)
        ? segment.view(place.offset(), size)
        : null;
  }

  /**
   * Takes what came out of shared memory, by a copy or as a loan, and takes a request's segments
   * back when this is its answer.
   *
   * @throws PythonFailure.ProtocolViolation if it refers to what another call was given
   */
  Frame received(Frame frame) {
    Lent mine = null;
    switch (frame.kind()) {
      case RESULT, FAILURE, END -> mine = lent.remove(frame.id());
      case HOST_CALL, PULL -> {
        if (open) {
          lent.computeIfAbsent(frame.id(), request -> new Lent(false)).markTalks();
        }
      }
      default -> {}
    }
    if (mine == null && frame.payload().attachments().isEmpty()) {
      return frame;
    }
    if (mine == null || !mine.talks()) {
      return taken(frame, mine);
    }
    giving.lock();
    try {
      return taken(frame, mine);
    } finally {
      giving.unlock();
    }
  }

  private Frame taken(Frame frame, @Nullable Lent mine) {
    boolean lends = mine != null && mine.isBorrowing() && frame.kind() == Frame.Kind.RESULT;
    Set<Segment> shown = new LinkedHashSet<>(); // of the call's own, those that are lent
    Set<Segment> used = new LinkedHashSet<>(); // of those for results
    Frame received = frame;
    try {
      if (!frame.places().isEmpty()) {
        List<ByteBuffer> attachments = new ArrayList<>(frame.payload().attachments());
        for (int i = 0; i < attachments.size(); i++) {
          Place place = frame.places().get(i);
          if (!place.isShared()) {
            continue;
          }
          Segment result = results.find(place.segment());
          Segment own = result == null && mine != null ? mine.find(place.segment()) : null;
          if (result != null) {
            used.add(result);
          } else if (own == null) {
            throw new PythonFailure.ProtocolViolation(
                frame + " refers to what another call was given");
          }
          if (!lends || (own != null && !own.isFree())) {
            attachments.set(i, copyOf(attachments.get(i)));
          } else if (own != null) {
            shown.add(own);
          }
        }
        Loan loan = lends && !(shown.isEmpty() && used.isEmpty()) ? loan(shown, used) : Loan.NONE;
        received = Frame.of(frame.kind(), frame.id(), frame.payload().with(attachments, loan));
        if (loan == Loan.NONE) {
          used.forEach(Segment::markFree);
        }
      }
    } finally {
      if (mine != null) {
        for (Segment own : mine.segments()) {
          if (!shown.contains(own)) {
            end(own);
          }
        }
      }
    }
    results.provide(sizeOfBig(frame.payload(), frame.places()));
    return received;
  }

  private void end(Segment segment) {
    if (segment.isFree()) {
      memory.giveBack(segment);
    } else {
      memory.retire(segment);
    }
  }

  private Loan loan(Set<Segment> shown, Set<Segment> used) {
    return Loan.of(
        () -> {
          used.forEach(Segment::markFree);
          shown.forEach(memory::giveBack);
        },
        () -> {
          used.forEach(results::retire);
          shown.forEach(memory::retire);
        });
  }

  private static ByteBuffer copyOf(ByteBuffer view) {
    return ByteBuffer.allocate(view.remaining()).put(view).flip().asReadOnlyBuffer();
  }
}
