package io.gorgon.message;

import java.util.List;

/**
 * This is a call as it is sent.
 *
 * @param payload the body of the request frame
 * @param elements what Python may iterate over while Java makes it, by its number in the payload
 */
public record Request(Payload payload, List<Elements> elements) {}
