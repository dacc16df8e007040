/** An answer that is none; another try may bring one. */
export class Unusable extends Error {
  readonly fault: string;
  constructor(fault: string, message: string) {
    super(message);
    this.fault = fault;
  }
}
