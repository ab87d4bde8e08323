package io.gorgon.wire;

import io.gorgon.message.Payload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is one message on the socket, in either direction. All kinds share one shape; what a body
 * means is known to those who send and read it.
 *
 * @param kind what it is
 * @param id the request it belongs to, counted per connection from 1; 0 where there is none
 * @param payload its body and what goes beside it
 * @param places where each attachment's bytes are; empty if all are in the frame
 */
public record Frame(Kind kind, long id, Payload payload, List<Place> places) {

  /** A frame with everything in it. */
  public Frame(Kind kind, long id, Payload payload) {
    this(kind, id, payload, List.of());
  }

  /** What frames there are, with the number that stands on the wire. */
  public enum Kind {
    /** Worker: who I am and which token I was given. */
    HELLO(1),
    /** Worker: this module is being imported now. */
    IMPORTING(2),
    /** Worker: send me calls. */
    READY(3),
    /** Worker: I cannot start, and why. */
    START_FAILED(4),
    /** Pool: run this. */
    REQUEST(16),
    /** Pool: are you there? */
    PING(17),
    /** Pool: finish and exit. */
    SHUTDOWN(18),
    /** Pool: so many more elements of your stream may come. */
    CREDIT(19),
    /** Pool: what the Java function gave. */
    HOST_REPLY(20),
    /** Pool: the next elements of a Java source. */
    ITEM(21),
    /** Pool: memory that we share from now on, or no more. */
    SEGMENT(22),
    /** Pool: the request of that id belongs to this session, and this is its state. */
    SESSION(23),
    /** Worker: the value that the function returned. */
    RESULT(32),
    /** Worker: why there is no value. */
    FAILURE(33),
    /** Worker: I am here. */
    PONG(34),
    /** Worker: the next element of a stream. */
    CHUNK(35),
    /** Worker: the stream has ended well. */
    END(36),
    /** Worker: call this Java function for me. */
    HOST_CALL(37),
    /** Worker: how far the call has come. */
    PROGRESS(38),
    /** Worker: I can take so many more elements of that Java source. */
    PULL(39),
    /** Worker: a record that user code logged. */
    LOG(40),
    /** Worker: what the call has changed in its session. */
    PATCH(41);

    private static final @Nullable Kind[] BY_NUMBER = new @Nullable Kind[64];

    static {
      for (Kind kind : values()) {
        BY_NUMBER[kind.number] = kind;
      }
    }

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    /** The number on the wire. */
    public int number() {
      return number;
    }

    /** The kind of that number, or null. */
    static @Nullable Kind of(int number) {
      return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }
  }

  /** A frame with a plain body and no attachments. */
  public static Frame of(Kind kind, long id, byte[] body) {
    return new Frame(kind, id, Payload.plain(body));
  }

  /** A frame that carries a value. */
  public static Frame of(Kind kind, long id, Payload payload) {
    return new Frame(kind, id, payload);
  }

  /** A frame that says all by its kind. */
  public static Frame of(Kind kind, long id) {
    return new Frame(kind, id, Payload.EMPTY);
  }

  /** Where the bytes of that attachment are. */
  Place place(int attachment) {
    return places.isEmpty() ? Place.INLINE : places.get(attachment);
  }

  /** JSON in UTF-8, or empty. */
  public byte[] body() {
    return payload.body();
  }

  /** Prints sizes, never contents. */
  @Override
  public String toString() {
    return kind
        + "[id="
        + id
        + ", body="
        + body().length
        + ", attachments="
        + payload.attachments().size()
        + "]";
  }
}
