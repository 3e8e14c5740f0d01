/** Each fault in a person's words, for the sandbox's page: where it is met in life, and what it asks of a script. */

/**
 * All but `reply`, whose text is for a script to write.
 * @type {{ chapter: string, faults: [name: string, explanation: string][] }[]}
 */
export const chapters = [
  {
    chapter: 'The connection breaks',
    faults: [
      [
        'connection-reset',
        'A server restarts, or a firewall drops the connection. Nothing was done, but the script cannot know that: a createTask may have been bought or not.',
      ],
      [
        'connection-reset-after-processing',
        'The same from outside, but the request was acted on: on createTask the task exists, is charged, and its id is lost. Sending it again buys a second one.',
      ],
      [
        'stream-reset',
        'One request of an HTTP/2 connection is refused while the others go on. The connection is still good.',
      ],
      [
        'goaway',
        'A server that is being replaced says that this request was not touched. It is safe to send it again, on a new connection.',
      ],
      [
        'close-after',
        'The classic race of kept-alive connections: the reply was fine, and the next request meets a connection that is closing.',
      ],
    ],
  },
  {
    chapter: 'The answer is late, or never comes',
    faults: [
      [
        'no-response',
        'An overloaded server takes the request and never answers. Without a time limit the script waits for ever.',
      ],
      [
        'no-response-after-processing',
        'The server does the work and never says so. On createTask a point is spent and no id comes.',
      ],
      [
        'latency',
        'A busy hour. The reply is right and comes late: shorter time limits give up on work that was done.',
      ],
      [
        'slow-body',
        'A bad line. The reply trickles in, so that a limit on silence never strikes, but a limit on the whole exchange does.',
      ],
    ],
  },
  {
    chapter: 'The server or a gateway refuses',
    faults: [
      ['408', 'The server says that the request took too long to arrive. It was not acted on.'],
      ['429', 'Too many requests. A good client waits as long as Retry-After says, and then goes on.'],
      [
        '502',
        'The gateway stands, the server behind it does not: seconds during a deployment, minutes in an outage.',
      ],
      ['503', 'Maintenance or overload. Retry-After says how long, if it is sent.'],
      ['500-html', 'The server crashed on the request and sends its error page in the place of an envelope.'],
      [
        'redirect',
        'Somebody moved the API, or stands in between. The body holds the key, so a client must not follow; those that did are counted.',
      ],
    ],
  },
  {
    chapter: 'The answer is damaged',
    faults: [
      ['truncated-body', 'The connection broke in the middle of the reply.'],
      ['truncated-json', 'A proxy cut the reply and repaired its length. HTTP is content, the JSON is not.'],
      ['empty-body', 'A gateway without a back end says 200 and nothing else.'],
      ['html', 'A captive portal or a gateway answers in the place of the API: status 200, and a web page.'],
      ['oversized', 'A reply of megabytes. A client that reads without a limit fills its memory.'],
      [
        'whitespace',
        'A reply that never ends and never fails. Only a limit of size or of time gets out of it.',
      ],
      ['deep-json', 'JSON nested so deep that a careless parser overflows its stack.'],
    ],
  },
  {
    chapter: 'The answer breaks the protocol',
    faults: [
      ['unexpected-json', 'An empty object: no errorId, no status, no task.'],
      [
        'wrong-types',
        'Numbers where text belongs, objects where numbers belong: an API that changed over night.',
      ],
      [
        'created-without-id',
        'The task is bought and its id is not returned. Nothing can be polled, and the point is gone.',
      ],
      ['unknown-status', 'Neither processing nor ready. Polling on without thought goes on for ever.'],
      ['ready-without-token', 'Ready, it says, but the solution has no token in it.'],
      ['ready-null-solution', 'Ready, it says, and the solution is null.'],
    ],
  },
  {
    chapter: 'The provider says no',
    faults: [
      [
        'failed-task',
        'The provider gave up on the task. It stays charged here; a new task is the only way on.',
      ],
      ['error', 'The provider refuses with a code of its own: an empty balance, a bad key, no worker free.'],
      [
        'echo-key',
        'The error message repeats the account key. If the script prints the message as it is, the key is in its log.',
      ],
    ],
  },
]
