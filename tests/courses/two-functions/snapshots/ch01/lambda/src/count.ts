import { Handler } from 'aws-lambda';

interface Request {
  text: string;
}

interface Response {
  words: number;
}

export const handler: Handler<Request, Response> = async (event) => {
  return {
    words: event.text.split(/\s+/).filter((word) => word !== '').length,
  };
};
