package io.gorgon.message;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * This is a value as it travels: JSON text, and beside it the bytes that JSON has no form for.
 * Immutable as long as nobody writes to its arrays; thread-safe.
 *
 * @param body JSON in UTF-8, or empty; not copied, so do not write to it
 * @param tagged whether an object in it whose first key is {@code "$"} stands for something else
 * @param attachments the bytes beside it, in order; not copied, to be read through duplicates
 * @param loan of an answer: how long the attachments are there; of a request: {@link Loan#WANTED}
 *     if the attachments of its answer may be lent
 */
public record Payload(byte[] body, boolean tagged, List<ByteBuffer> attachments, Loan loan) {

  /** No value at all. */
  public static final Payload EMPTY = new Payload(new byte[0], false, List.of());

  /** A value whose attachments are its own. */
  public Payload(byte[] body, boolean tagged, List<ByteBuffer> attachments) {
    this(body, tagged, attachments, Loan.NONE);
  }

  /** The same text with other attachments. */
  public Payload with(List<ByteBuffer> others, Loan newLoan) {
    return new Payload(body, tagged, others, newLoan);
  }

  /** Text without tags and attachments. */
  public static Payload plain(byte[] body) {
    return new Payload(body, false, List.of());
  }

  /** The bytes of the text and of all attachments, each with the 8 bytes that say its size. */
  public long size() {
    long size = body.length;
    for (ByteBuffer attachment : attachments) {
      size += Long.BYTES + attachment.remaining();
    }
    return size;
  }

  /** Prints sizes, never contents. */
  @Override
  public String toString() {
    return "Payload[body=" + body.length + ", attachments=" + attachments.size() + "]";
  }
}
